"""What a stolen session or a planted login is not worth on a page (EN-09, EN-12, EN-13, RC-04, RC-05, SE-05).

Each rule that is stricter than Stytch's is a setting: it is seen both ways.
"""

import pytest

from stytch_totp.models import AuditEvent, Guard, IntermediateSession, Session, TOTPRegistration
from tests.api.helpers import (
    PASSWORD,
    SDK,
    Page,
    data,
    intermediate,
    log_in,
    make_organization,
    make_person,
    ok,
    pbkdf2,
    refused,
    rows_hash,
    undone,
    user_code,
)
from tests.api.pages import (
    LACKING,
    MINUTE,
    NO_SESSION,
    ORIGIN,
    OTHER_ORIGIN,
    OTHER_PUBLIC_TOKEN,
    PAGE_ROUTES,
    PUBLIC_TOKEN,
    STALE,
    VISITORS,
    MemberVisitor,
    UserVisitor,
    begin,
    discover,
    make_page_world,
    password_of,
    two_factors,
    with_credentials,
)
from tests.clock import CLOCK
from tests.factories import code_of

pytestmark = pytest.mark.django_db

STRICT, AS_STYTCH = 10, 0
both_products = pytest.mark.parametrize("product", VISITORS)


def events(tag):
    return AuditEvent.objects.filter(tag=tag).count()


def failures():
    return sum(Guard.objects.values_list("failures", flat=True))


# EN-09: a TOTP is confirmed where it was created


def planted(api, product):
    """A pending TOTP that one session created, and another session of the same person."""
    thief = VISITORS[product](api, totp=False).log_in()
    made = data(thief.create())
    thief.secret = made["secret"]
    owner_page = Page()
    method, path = thief.CALLS["log in"]
    owner_page = Page(data(owner_page(method, SDK + path, thief.login))["session_token"])
    return thief, owner_page


@both_products
@pytest.mark.parametrize("bind", [True, False])
def test_en09_a_totp_is_confirmed_in_the_session_that_created_it(api, configure, product, bind):
    configure(BIND_PENDING_TOTP=bind)
    thief, owner_page = planted(api, product)
    with undone():
        thief.page, own = owner_page, thief.page
        answer = thief.show_code()
        if bind:
            refused(answer, 401, "unable_to_authenticate_totp")
            assert failures() == 0
            assert not TOTPRegistration.objects.filter(state="active").exists()
        else:
            data(answer)
    thief.page = own
    data(thief.show_code())


@pytest.mark.parametrize("bind", [True, False])
def test_en09_and_in_the_login_that_created_it(api, configure, bind):
    configure(BIND_PENDING_TOTP=bind)
    person = make_person(api, totp=False)
    first, second = begin(Page(), person), begin(Page(), person)
    made = data(Page()("POST", f"{SDK}/b2b/totp", {"intermediate_session_token": first}))

    def confirm(token):
        given = {"code": code_of(made["secret"]), "intermediate_session_token": token}
        return Page()("POST", f"{SDK}/b2b/totp/authenticate", given)

    with undone():
        if bind:
            refused(confirm(second), 401, "unable_to_authenticate_totp")
        else:
            data(confirm(second))
    data(confirm(first))


@both_products
def test_en09_a_new_one_made_in_the_second_session_ends_the_planted_one(api, product):
    thief, owner_page = planted(api, product)
    stolen, thief.page = thief.page, owner_page
    data(thief.create())
    thief.page = stolen
    refused(thief.show_code(), 401, "unable_to_authenticate_totp")


def test_en09_a_back_end_confirms_what_a_page_created_and_a_page_what_a_back_end_created(api):
    member = MemberVisitor(api, totp=False).log_in()
    made = data(member.create())
    given = {**member.person.ids, "code": code_of(made["secret"]), "session_token": member.session_token}
    with undone():
        ok(api("POST", "/v1/b2b/totp/authenticate", given))
    member.secret = ok(api("POST", "/v1/b2b/totp", member.person.ids))["secret"]
    data(member.show_code())


@both_products
def test_en09_a_right_code_of_an_active_totp_is_good_in_any_session(api, product):
    visitor = VISITORS[product](api, totp=False).log_in().enrol()
    visitor.page = Page()
    assert visitor.log_in().step_up().factors() == {"password", "totp"}


# EN-12: enrolment needs a primary factor that was shown lately


@both_products
@pytest.mark.parametrize("minutes", [STRICT, 25, AS_STYTCH])
def test_en12_a_totp_is_created_only_while_the_password_is_fresh(api, configure, product, minutes):
    configure(ENROLMENT_MINUTES=minutes)
    visitor = VISITORS[product](api, totp=False).log_in()
    CLOCK.advance((minutes or 59) * MINUTE)
    with undone():
        data(visitor.create())
    CLOCK.advance(1)
    if minutes:
        refused(visitor.create(), *STALE)
        assert not TOTPRegistration.objects.exists()
        assert events("member:totp:created") == 0
        visitor.log_in()  # the password again, into the same session
        assert Session.objects.count() == 1
    data(visitor.create())
    assert events("member:totp:created") == 1


@pytest.mark.parametrize("minutes", [STRICT, AS_STYTCH])
def test_en12_a_code_alone_is_no_primary_factor_of_any_age(api, configure, minutes):
    configure(ENROLMENT_MINUTES=minutes, FORGET_DELETED_TOTP=False)
    visitor = UserVisitor(api)
    visitor.page = Page(ok(user_code(api, visitor.user, session_duration_minutes=60))["session_token"])
    ok(api("DELETE", f"/v1/users/totps/{visitor.user.totp_id}"))
    assert visitor.factors() == {"totp"}
    refused(visitor.create(), *LACKING)


@pytest.mark.parametrize("minutes", [STRICT, AS_STYTCH])
def test_en12_a_login_that_has_shown_nothing_in_this_organization_enrols_nothing_there(api, configure, minutes):
    configure(ENROLMENT_MINUTES=minutes)
    here = MemberVisitor(api, totp=False).log_in()
    there = make_person(api, make_organization(api)["organization_id"], totp=False, email_address=here.person.email)
    given = {"organization_id": there.organization_id}
    token = data(here.page("POST", f"{SDK}/b2b/sessions/exchange", given))["intermediate_session_token"]
    answer = Page()("POST", f"{SDK}/b2b/totp", {"intermediate_session_token": token})
    refused(answer, 400, "action_available_only_once_primary_authentication_is_met")
    assert not TOTPRegistration.objects.exists()


def test_en12_a_login_under_way_is_fresh_for_as_long_as_it_lives(api):
    person = make_person(api, totp=False)
    token = begin(Page(), person)
    CLOCK.advance(10 * MINUTE - 1)
    with undone():
        data(Page()("POST", f"{SDK}/b2b/totp", {"intermediate_session_token": token}))
    CLOCK.advance(1)
    answer = Page()("POST", f"{SDK}/b2b/totp", {"intermediate_session_token": token})
    refused(answer, 404, "intermediate_session_not_found")


@both_products
def test_en12_a_refreshed_or_extended_session_is_no_fresher(api, product):
    visitor = VISITORS[product](api, totp=False).log_in()
    CLOCK.advance(10 * MINUTE + 1)
    data(visitor.call("refresh", {"session_duration_minutes": 60}))
    refused(visitor.create(), *STALE)


@both_products
def test_en12_one_enrolment_is_put_on_record_once(api, product):
    VISITORS[product](api, totp=False).log_in().enrol()
    assert (events("member:totp:created"), events("member:totp:activated")) == (1, 1)


@both_products
def test_row15_without_session_and_login_nothing_is_created_confirmed_or_recovered(api, product):
    visitor = VISITORS[product](api)
    before = rows_hash()
    refused(visitor.create(), *NO_SESSION)
    refused(visitor.show_code(), *NO_SESSION)
    refused(visitor.call("recover", {"recovery_code": visitor.codes[0]}), *NO_SESSION)
    assert rows_hash() == before


# EN-13, RC-04, RC-05, contract 6.7, section 7 rows 16 and 17: what must have been shown, and when

#: A session by what was shown in it and how many seconds ago: whether it removes a factor, and reads and rotates codes.
STANDINGS = {
    "password alone": ([], 0, LACKING, LACKING),
    "code": (["step_up"], 0, None, None),
    "code 10 minutes ago": (["step_up"], 600, None, None),
    "code more than 10 minutes ago": (["step_up"], 601, STALE, STALE),
    "recovery code": (["recover"], 0, None, LACKING),
    "recovery code more than 10 minutes ago": (["recover"], 601, STALE, LACKING),
    "code and then a recovery code": (["step_up", "recover"], 0, None, None),
}
#: The same as Stytch has it: a User's newest factor is from the last hour, a Member's of any age.
STYTCHS = {
    "password alone": ([], 0, {"member": LACKING, "user": LACKING}),
    "code": (["step_up"], 0, {}),
    "code an hour ago": (["step_up"], 3599, {}),
    "code more than an hour ago": (["step_up"], 3601, {"user": STALE}),
    "recovery code": (["recover"], 0, {}),
    "recovery code more than an hour ago": (["recover"], 3601, {"user": STALE}),
}


def shown(api, product, steps, seconds):
    visitor = VISITORS[product](api).log_in()
    data(visitor.call("refresh", {"session_duration_minutes": 300}))
    for step in steps:
        getattr(visitor, step)()
    if "step_up" in steps:
        seconds -= 30  # a code is shown at the start of its step
    data(visitor.call("refresh", {"session_duration_minutes": 300}))
    CLOCK.advance(seconds)
    return visitor


def check(visitor, what, refusal):
    """Three times a refusal that changes nothing, or one success."""
    if what not in visitor.CALLS:
        return
    before = rows_hash()
    with undone():
        answer = visitor.call(what)
        if refusal:
            refused(answer, *refusal)
            assert rows_hash() == before
        else:
            data(answer)


@both_products
@pytest.mark.parametrize("standing", STANDINGS)
def test_en13_rc04_what_a_session_may_do_to_its_own_factors(api, product, standing):
    steps, seconds, removing, reading = STANDINGS[standing]
    visitor = shown(api, product, steps, seconds)
    check(visitor, "remove", removing)
    check(visitor, "read codes", reading)
    check(visitor, "rotate", reading)


@both_products
@pytest.mark.parametrize("standing", STYTCHS)
def test_row16_row17_what_it_may_do_where_the_site_takes_stytchs_rules(api, configure, product, standing):
    configure(STEP_UP_MINUTES=AS_STYTCH, RECOVERY_SHOWS_CODES=True)
    steps, seconds, refusals = STYTCHS[standing]
    visitor = shown(api, product, steps, seconds)
    for what in ("remove", "read codes", "rotate"):
        check(visitor, what, refusals.get(product))


@both_products
@pytest.mark.parametrize("minutes", [5, 30])
def test_en13_rc04_the_site_says_how_lately(api, configure, product, minutes):
    configure(STEP_UP_MINUTES=minutes)
    visitor = shown(api, product, ["step_up"], minutes * MINUTE)
    for what in ("remove", "read codes", "rotate"):
        check(visitor, what, None)
    CLOCK.advance(1)
    for what in ("remove", "read codes", "rotate"):
        check(visitor, what, STALE)


@both_products
def test_en13_the_code_shown_again_or_the_recovery_code_makes_it_fresh(api, product):
    visitor = shown(api, product, ["step_up"], 3600)
    check(visitor, "remove", STALE)
    with undone():
        visitor.step_up()
        check(visitor, "read codes", None)


@both_products
@pytest.mark.parametrize("admitted", [True, False])
def test_rc05_one_stolen_recovery_code_yields_the_others_only_where_the_site_says_so(api, configure, product, admitted):
    configure(RECOVERY_SHOWS_CODES=admitted)
    visitor = VISITORS[product](api).log_in().recover()
    refusal = None if admitted else LACKING
    check(visitor, "read codes", refusal)
    check(visitor, "rotate", refusal)


@both_products
def test_rc05_who_recovered_enrols_another_phone_and_it_is_on_record(api, product):
    visitor = VISITORS[product](api).log_in().recover()
    data(visitor.call("remove"))
    visitor.enrol()
    assert visitor.factors() == {"password", "totp"}
    for tag in ("totp:deleted", "totp:created", "totp:activated", "recovery_code:spent"):
        assert events(f"member:{tag}") >= 1


@both_products
@pytest.mark.parametrize("what", ["remove", "read codes", "rotate"])
def test_en13_rc04_a_jwt_alone_does_nothing(api, product, what):
    visitor = VISITORS[product](api).log_in().step_up()
    if what not in visitor.CALLS:
        what = "remove"
    jwt = data(visitor.call("refresh", {}))["session_jwt"]
    before = rows_hash()
    visitor.page = Page(jwt)
    assert visitor.call(what).status_code in (401, 404)
    refused(Page()("DELETE", f"{SDK}/b2b/organizations/members/deleteTOTP", {"session_jwt": jwt}), *NO_SESSION)
    assert rows_hash() == before


@both_products
def test_rc04_the_codes_are_shown_with_those_that_were_spent_left_out_and_it_is_on_record(api, product):
    visitor = VISITORS[product](api).log_in().recover().step_up()
    shown_now = data(visitor.call("read codes"))
    codes = shown_now["recovery_codes"] if product == "member" else shown_now["totps"][0]["recovery_codes"]
    assert codes == visitor.codes
    assert len(codes) == 9
    assert events("member:recovery_codes:shown") == 1


@both_products
def test_rc04_what_is_not_kept_is_not_shown(api, configure, product):
    configure(RECOVERY_CODES_VIEWABLE=False)
    visitor = VISITORS[product](api).log_in().step_up()
    refused(visitor.call("read codes"), 403, "recovery_codes_not_viewable")


@pytest.mark.parametrize("minutes", [STRICT, AS_STYTCH])
def test_6_7_a_users_session_needs_factors_of_two_categories(api, configure, minutes):
    """A back end may log in by a code alone; what that session is worth, a page's rule says."""
    configure(STEP_UP_MINUTES=minutes)
    visitor = UserVisitor(api)
    done = ok(user_code(api, visitor.user, session_duration_minutes=60))
    visitor.page = Page(done["session_token"])
    assert visitor.factors() == {"totp"}
    check(visitor, "remove", LACKING)
    check(visitor, "read codes", LACKING)
    visitor.log_in()
    CLOCK.advance(30)
    check(visitor, "remove", None)
    check(visitor, "read codes", None)


def test_6_7_either_category_may_be_the_fresh_one(api, configure):
    configure(STEP_UP_MINUTES=AS_STYTCH)
    visitor = shown(api, "user", ["step_up"], 2 * 60 * MINUTE)
    check(visitor, "remove", STALE)
    visitor.log_in()
    check(visitor, "remove", None)


@both_products
def test_en13_a_pending_totp_is_nothing_to_protect(api, product):
    visitor = VISITORS[product](api, totp=False).log_in()
    data(visitor.create())
    data(visitor.call("remove"))
    assert not TOTPRegistration.objects.exists()


@both_products
@pytest.mark.parametrize("forget", [True, False])
def test_en13_a_removed_totp_is_taken_off_every_session(api, configure, product, forget):
    configure(FORGET_DELETED_TOTP=forget)
    visitor = VISITORS[product](api).log_in().step_up()
    first = visitor.page
    visitor.page = Page()
    visitor.log_in().step_up()
    data(visitor.call("remove"))
    left = {"password"} if forget else {"password", "totp"}
    for page in (visitor.page, first):
        visitor.page = page
        assert visitor.factors() == left


@pytest.mark.parametrize("steps", [[], ["step_up"], ["recover"]])
def test_en13_an_administrator_removes_a_members_totp_after_a_second_factor_of_its_own(api, steps):
    tenant = make_organization(api)["organization_id"]
    admin = MemberVisitor(api, organization_id=tenant, roles=["stytch_admin"]).log_in()
    member = make_person(api, tenant)
    for step in steps:
        getattr(admin, step)()
    answer = admin.page("DELETE", f"{SDK}/b2b/organizations/members/totp/{member.member_id}")
    if steps:
        assert data(answer)["member"]["totp_registration_id"] == ""
    else:
        refused(answer, *LACKING)


def test_row17_a_member_removes_nobody_elses_totp(api):
    tenant = make_organization(api)["organization_id"]
    visitor, member = MemberVisitor(api, organization_id=tenant).log_in().step_up(), make_person(api, tenant)
    path = f"{SDK}/b2b/organizations/members/totp/"
    refused(visitor.page("DELETE", path + member.member_id), 403, "session_authorization_error")
    refused(visitor.page("DELETE", path + make_person(api).member_id), 404, "member_not_found")
    data(visitor.page("DELETE", path + visitor.person.member_id))


def test_row17_a_user_removes_nobody_elses_totp(api):
    visitor, other = UserVisitor(api).log_in().step_up(), UserVisitor(api)
    refused(visitor.page("DELETE", f"{SDK}/users/totps/{other.user.totp_id}"), 404, "totp_not_found")
    data(visitor.call("remove"))


def test_en13_a_page_switches_mfa_off_only_after_a_second_factor(api):
    visitor = MemberVisitor(api, mfa_enrolled=True)
    given = {"intermediate_session_token": begin(Page(), visitor.person)}
    visitor.keep(visitor.call("show code", {**given, "code": code_of(visitor.secret)}))
    CLOCK.advance(601)

    def switch_off():
        return visitor.page("PUT", f"{SDK}/b2b/organizations/members/update", {"mfa_enrolled": False})

    refused(switch_off(), *STALE)
    visitor.step_up()
    assert data(switch_off())["member"]["mfa_enrolled"] is False


def test_en13_a_page_gives_a_verified_phone_up_only_after_a_second_factor(api):
    """Else who has the password alone could drop the phone, and enrol an authenticator of their own."""
    visitor = MemberVisitor(api, totp=False)
    whose = {"organization_id": visitor.person.organization_id, "email_address": visitor.person.email}
    phone = {"mfa_phone_number": "+15005550006", "set_phone_number_verified": True}
    ok(api("POST", "/v1/b2b/passwords/migrate", {**whose, **pbkdf2(PASSWORD), **phone}))
    visitor.log_in()
    before = rows_hash()
    for number in ("", "+15005550007"):
        answer = visitor.page("PUT", f"{SDK}/b2b/organizations/members/update", {"mfa_phone_number": number})
        refused(answer, *LACKING)
    refused(visitor.create(), *LACKING)
    assert rows_hash() == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/me", {"mfa_policy": "OPTIONAL"}),
        ("DELETE", "/members/{member_id}", None),
        ("DELETE", "/members/totp/{member_id}", None),
        ("PUT", "/members/{member_id}", {"mfa_enrolled": False}),
    ],
)
def test_en13_an_administrators_stale_session_takes_nobodys_second_factor_away(api, method, path, body):
    tenant = make_organization(api, mfa_policy="REQUIRED_FOR_ALL")["organization_id"]
    admin = make_person(api, tenant, roles=["stytch_admin"])
    member = make_person(api, tenant, mfa_enrolled=True)
    page, before = two_factors(admin), rows_hash()
    CLOCK.advance(10 * MINUTE)
    where = f"{SDK}/b2b/organizations" + path.format(member_id=member.member_id)
    refused(page(method, where, body), *STALE)
    assert rows_hash() == before
    given = {"code": code_of(admin.secret)}
    again = Page(data(page("POST", f"{SDK}/b2b/totp/authenticate", given))["session_token"])
    data(again(method, where, body))


@both_products
def test_a_back_end_is_bound_by_none_of_it(api, product):
    """It has the project's secret and vouches for its callers."""
    visitor = VISITORS[product](api)
    if product == "member":
        ids = visitor.person.ids
        ok(api("GET", "/v1/b2b/recovery_codes/{organization_id}/{member_id}".format(**ids)))
        ok(api("POST", "/v1/b2b/recovery_codes/rotate", ids))
        ok(api("DELETE", f"{visitor.person.member_path}/totp"))
        ok(api("POST", "/v1/b2b/totp", ids))
    else:
        ok(api("POST", "/v1/totps/recovery_codes", {"user_id": visitor.user.user_id}))
        ok(api("DELETE", f"/v1/users/totps/{visitor.user.totp_id}"))
        ok(api("POST", "/v1/totps", {"user_id": visitor.user.user_id}))


# SE-05: an intermediate session is bound to whom and where it was begun

TOTP_ROUTE, CODE_ROUTE, RECOVER_ROUTE, LOGIN_ROUTE, LIST_ROUTE, EXCHANGE_ROUTE = BEGUN_ROUTES = (
    *("/b2b/totp", "/b2b/totp/authenticate", "/b2b/recovery_codes/recover", "/b2b/passwords/authenticate"),
    *("/b2b/discovery/organizations", "/b2b/discovery/intermediate_sessions/exchange"),
)
BINDINGS = ("organization", "member", "discovery identity", "origin", "public token", "surface")


class Begun:
    """Somebody's login under way on a page, and other people that it isn't; with TOTPs, or for the route that creates
    one, without.
    """

    def __init__(self, api, route):
        self.api, self.route = api, route
        totp = route != TOTP_ROUTE
        self.person = make_person(api, totp=totp)
        same = {"email_address": self.person.email}
        self.others = {
            "organization": make_person(api, totp=totp, **same),
            "member": make_person(api, self.person.organization_id, totp=totp),
            "discovery identity": make_person(api, totp=totp),
        }

    def token(self, binding):
        by_discovery = binding == "discovery identity" or (
            self.route in (LIST_ROUTE, EXCHANGE_ROUTE) and binding not in self.others
        )
        return discover(Page(), self.person) if by_discovery else begin(Page(), self.person)

    def call(self, binding, token):
        """The route with the token, by the page and about the person that the ``binding`` forbids."""
        named = self.others.get(binding, self.person)
        shown = {
            CODE_ROUTE: lambda: {"code": code_of(named.secret)},
            RECOVER_ROUTE: lambda: {"recovery_code": named.codes[0]},
            LOGIN_ROUTE: lambda: password_of(named),
        }.get(self.route, dict)()
        body = {**named.ids, **shown, "intermediate_session_token": token}
        page = {
            "origin": with_credentials(PUBLIC_TOKEN, origin=OTHER_ORIGIN),
            "public token": with_credentials(OTHER_PUBLIC_TOKEN),
            "surface": with_credentials(PUBLIC_TOKEN, token),
        }.get(binding, Page())
        if binding == "surface":
            del body["intermediate_session_token"]
        return page("POST", SDK + self.route, body), named

    def is_accepted(self, binding):
        """Whether the call got anything out of the token: it was spent or changed, or answered with the person."""
        token = self.token(binding)
        with undone():
            before = list(IntermediateSession.objects.order_by("pk").values())
            answer, named = self.call(binding, token)
            after = list(IntermediateSession.objects.order_by("pk").values())
        assert answer.status_code < 500
        told = answer.content.decode()
        opened = answer.status_code == 200 and self.route != LOGIN_ROUTE and named.member_id in told
        touched = [row for row in before if row not in after]
        return bool(opened or touched or f'"{token}"' in told)


@pytest.mark.parametrize("bind", [True, False])
def test_se05_an_intermediate_session_is_no_good_to_anybody_else_or_anywhere_else(api, configure, bind):
    configure(
        ALLOWED_ORIGINS=[ORIGIN, OTHER_ORIGIN],
        PUBLIC_TOKENS=[PUBLIC_TOKEN, OTHER_PUBLIC_TOKEN],
        BIND_INTERMEDIATE_SESSION=bind,
    )
    accepted, cells = set(), 0
    for route in BEGUN_ROUTES:
        begun = Begun(api, route)
        assert begun.is_accepted("its own place"), route
        for binding in BINDINGS:
            cells += 1
            if begun.is_accepted(binding):
                accepted.add((route, binding))
    assert cells == 36
    assert accepted == (set() if bind else {(route, place) for route in BEGUN_ROUTES for place in BINDINGS[3:5]})
    print(f"SE-05: {cells} cells, {len(accepted)} accepted with BIND_INTERMEDIATE_SESSION={bind}")


@pytest.mark.parametrize("bind", [True, False])
def test_se05_an_organization_is_not_created_on_another_page_either(api, configure, bind):
    configure(ALLOWED_ORIGINS=[ORIGIN, OTHER_ORIGIN], BIND_INTERMEDIATE_SESSION=bind)
    person = make_person(api)
    given = {"intermediate_session_token": discover(Page(), person), "organization_name": "New"}
    answer = Page(origin=OTHER_ORIGIN)("POST", f"{SDK}/b2b/discovery/organizations/create", given)
    if bind:
        refused(answer, 404, "intermediate_session_not_found")
    else:
        data(answer)


def test_se05_back_ends_and_pages_go_on_with_each_others_logins(api):
    """What one begun at a back end is bound to is the back end's to see to."""
    person = make_person(api)
    given = {**person.ids, "code": code_of(person.secret)}
    for path, caller, token in (
        ("/v1", api, begin(Page(), person)),
        (SDK, Page(), intermediate(api, person)),
    ):
        with undone():
            answer = caller("POST", f"{path}/b2b/totp/authenticate", {**given, "intermediate_session_token": token})
        assert answer.status_code == 200, answer.json()


def test_se04_an_intermediate_session_is_nothing_to_a_consumer_route(api):
    pages = make_page_world(api)
    before = rows_hash()
    for route in PAGE_ROUTES:
        if route.needs_session and "/b2b/" not in route.path:
            for name in ("ist", "discovery_ist"):
                body = {**(pages.body(route) or {}), "intermediate_session_token": pages.values[name]}
                refused(Page()(route.method, pages.path(route), body), *NO_SESSION)
    assert rows_hash() == before


def test_se03_a_login_that_was_finished_is_over(api):
    person = make_person(api)
    token = begin(Page(), person)
    given = {"code": code_of(person.secret), "intermediate_session_token": token}
    data(Page()("POST", f"{SDK}/b2b/totp/authenticate", given))
    for code in (given["code"], code_of(person.secret, steps=1)):
        answer = Page()("POST", f"{SDK}/b2b/totp/authenticate", {**given, "code": code})
        refused(answer, 404, "intermediate_session_not_found")


def test_a_failure_keeps_the_login(api):
    person = make_person(api)
    token = begin(Page(), person)
    given = {"code": "000000" if code_of(person.secret) != "000000" else "000001", "intermediate_session_token": token}
    refused(Page()("POST", f"{SDK}/b2b/totp/authenticate", given), 401, "unable_to_authenticate_totp")
    data(Page()("POST", f"{SDK}/b2b/totp/authenticate", {**given, "code": code_of(person.secret)}))


# Settings of pages


@pytest.mark.parametrize("allowed", [True, False])
def test_who_logged_in_by_discovery_creates_an_organization_only_where_the_site_says_so(api, configure, allowed):
    configure(DISCOVERY_CREATES_ORGANIZATIONS=allowed)
    given = {"intermediate_session_token": discover(Page(), make_person(api)), "organization_name": "New"}
    before = rows_hash()
    answer = Page()("POST", f"{SDK}/b2b/discovery/organizations/create", given)
    if allowed:
        assert data(answer)["organization"]["organization_name"] == "New"
    else:
        refused(answer, 401, "endpoint_not_authorized_for_sdk")
        assert rows_hash() == before
        with undone():
            back_end = ok(log_in(api, make_person(api)))
            assert back_end["intermediate_session_token"]


@both_products
@pytest.mark.parametrize("longest", [60, 90, 527040])
def test_se15_a_page_asks_for_no_longer_session_than_the_site_allows(api, configure, product, longest):
    configure(BROWSER_SESSION_MINUTES=longest)
    visitor = VISITORS[product](api)
    with undone():
        visitor.keep(visitor.call("log in", {**visitor.login, "session_duration_minutes": longest}))
        before = rows_hash()
        if longest < 527040:
            too_long = {"session_duration_minutes": longest + 1}
            refused(visitor.call("refresh", too_long), 400, "invalid_session_duration")
            refused(visitor.show_code(**too_long), 400, "invalid_session_duration")
            recovery = {"recovery_code": visitor.codes[0], **too_long}
            refused(visitor.call("recover", recovery), 400, "invalid_session_duration")
            refused(visitor.call("log in", {**visitor.login, **too_long}), 400, "invalid_session_duration")
        for outside in (4, 527041, 0, -5):
            refused(
                visitor.call("refresh", {"session_duration_minutes": outside}), 400, "invalid_session_duration_minutes"
            )
        assert rows_hash() == before


def test_se15_nor_gets_one_by_asking_for_none(api, configure):
    configure(BROWSER_SESSION_MINUTES=60)
    visitor = MemberVisitor(api)
    given = {name: value for name, value in visitor.login.items() if name != "session_duration_minutes"}
    visitor.keep(visitor.call("log in", given))
    CLOCK.advance(60 * MINUTE)
    refused(visitor.call("refresh", {}), 404, "session_not_found")
