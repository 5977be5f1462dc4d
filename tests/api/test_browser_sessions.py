"""What a page's session is worth, and what one that is worth nothing does (contract 3.5)."""

import pytest

from stytch_totp.models import IntermediateSession, Session
from tests.api.helpers import SDK, Page, data, make_organization, make_person, ok, refused, rows_hash, undone
from tests.api.pages import (
    GUARDED,
    NO_SESSION,
    PAGE_ROUTES,
    SESSION_DEAD,
    VISITORS,
    MemberVisitor,
    UserVisitor,
    begin,
    make_page_world,
    password_of,
)
from tests.clock import CLOCK

pytestmark = pytest.mark.django_db

#: The words that make the SDK forget its session; any other makes it try again for ever.
UNRECOVERABLE = {
    "unauthorized_credentials",
    "user_unauthenticated",
    "invalid_secret_authentication",
    "session_not_found",
}
MALFORMED = (
    "x",
    " ",
    "null",
    "undefined",
    "x" * 43,
    "x" * 45,
    "!" * 44,
    "x" * 700,
    "a:b",
    "\0",
    "\u00e9" * 44,
    "=" * 44,
)
NEEDING = tuple(route for route in GUARDED if route.needs_session)
BEGUN = tuple(route for route in GUARDED if route.ist)
FREE = tuple(route for route in PAGE_ROUTES if not route.needs_session and not route.ist)


@pytest.fixture
def pages(api, db):
    return make_page_world(api)


@pytest.fixture
def dead(api, db):
    """Session tokens that are worth nothing, by what happened to them, for each product."""
    short = {"session_duration_minutes": 5}
    found = {"b2b": {}, "consumer": {}}
    for product, kind in (("b2b", MemberVisitor), ("consumer", UserVisitor)):
        tokens = found[product]
        visitor = kind(api, totp=False)
        tokens["revoked"] = visitor.log_in().session_token
        data(visitor.call("log out"))
        visitor.page = Page()
        visitor.keep(visitor.call("log in", {**visitor.login, **short}))
        tokens["expired"] = visitor.session_token
        gone = kind(api, totp=False)
        tokens["deleted member's"] = gone.log_in().session_token
        ok(api("DELETE", gone.person.member_path if product == "b2b" else gone.user.path))
        tokens["unknown"] = tokens["revoked"][::-1]
    CLOCK.advance(5 * 60)
    assert Session.objects.count() >= 6
    return found


def product_of(route):
    return "b2b" if route.path.startswith("/b2b/") else "consumer"


def without_ist(pages, route):
    body = dict(pages.body(route) or {})
    body.pop("intermediate_session_token", None)
    return body


def call(pages, route, token, body):
    return Page(token)(route.method, pages.path(route), body)


def dead_tokens(pages, dead, product):
    others = {"b2b": pages.values["user_session_token"], "consumer": pages.values["session_token"]}
    malformed = {f"malformed {token!r}": token for token in MALFORMED}
    return {**dead[product], "other product's": others[product], **malformed}


def test_a_call_that_needs_a_session_names_the_dead_one_and_the_absent_one_by_the_sdks_words(dead, pages):
    before, tried = rows_hash(), 0
    for route in (*NEEDING, *BEGUN):
        body = without_ist(pages, route)
        refused(call(pages, route, "", body), *NO_SESSION)
        for token in dead_tokens(pages, dead, product_of(route)).values():
            refused(call(pages, route, token, body), *SESSION_DEAD)
            tried += 1
    assert rows_hash() == before
    assert tried == (len(NEEDING) + len(BEGUN)) * (5 + len(MALFORMED)) >= 30 * 17
    print(f"3.5: {tried} calls with sessions that are worth nothing: 404 session_not_found every time")


def test_a_call_that_needs_no_session_ignores_what_is_left_over_in_the_page(dead, pages):
    tried = 0
    for route in FREE:
        plain = shape(
            data(pages.request_undone(route) if hasattr(pages, "request_undone") else _undone(pages, route, ""))
        )
        for token in ("", *dead_tokens(pages, dead, product_of(route)).values()):
            assert shape(data(_undone(pages, route, token))) == plain, route.name
            tried += 1
    assert tried >= 11 * 18


def _undone(pages, route, token):
    with undone():
        return call(pages, route, token, pages.body(route))


def shape(answer):
    """Which fields say something."""
    return {name: bool(value) for name, value in answer.items()}


def test_a_call_with_a_good_intermediate_session_ignores_what_is_left_over_in_the_page(dead, pages):
    for route in BEGUN:
        for token in dead_tokens(pages, dead, "b2b").values():
            data(_undone(pages, route, token))


def test_no_session_however_broken_is_called_an_invalid_token(dead, pages):
    """The SDK's background refresh would try again for ever, with the dead cookies kept."""
    for path in ("/b2b/sessions/authenticate", "/sessions/authenticate"):
        product = "b2b" if "b2b" in path else "consumer"
        for token in ("", *dead_tokens(pages, dead, product).values(), "x" * 5000):
            answer = Page(token)("POST", SDK + path, {})
            assert answer.json()["error_type"] in UNRECOVERABLE
            assert answer.status_code in (401, 404)


@pytest.mark.parametrize(
    "body",
    [{}, {"session_token": "x"}, {"session_token": 5}, {"session_token": "{session_token}"}, {"session_jwt": "x"}],
)
def test_a_token_in_the_body_is_no_session_of_a_page(pages, body):
    for path, name in (
        ("/b2b/sessions/authenticate", "session_token"),
        ("/sessions/authenticate", "user_session_token"),
    ):
        given = {key: pages.values[name] if value == "{session_token}" else value for key, value in body.items()}
        refused(Page()("POST", SDK + path, given), *NO_SESSION)


@pytest.mark.parametrize("slot", ["session_jwt", "ist", "discovery_ist"])
def test_nothing_but_a_session_token_is_a_session(pages, slot):
    """EN-13, SE-04, SE-14: neither a JWT nor a half-finished login stands in for the session's row."""
    jwt = data(pages.pages["member"]("POST", f"{SDK}/b2b/sessions/authenticate", {}))["session_jwt"]
    token = {"session_jwt": jwt}.get(slot) or pages.values[slot]
    for route in NEEDING:
        answer = call(pages, route, token, pages.body(route))
        assert answer.json()["error_type"] in UNRECOVERABLE


def test_a_session_of_one_product_is_none_of_the_other(pages):
    tokens = {"b2b": pages.values["user_session_token"], "consumer": pages.values["session_token"]}
    for route in NEEDING:
        refused(call(pages, route, tokens[product_of(route)], pages.body(route)), *SESSION_DEAD)


# Sessions beside intermediate sessions (contract 3.9, section 7 row 11)


def test_row11_a_live_session_wins_over_the_intermediate_session_in_the_body(api):
    visitor = MemberVisitor(api).log_in()
    stranger = make_person(api)
    for token in (begin(Page(), stranger), "x", "A" * 44):
        with undone():
            done = data(visitor.show_code(intermediate_session_token=token))
            assert done["member_id"] == visitor.person.member_id
            kept = {factor["type"] for factor in done["member_session"]["authentication_factors"]}
            assert kept == {"password", "totp"}
            assert not IntermediateSession.objects.exclude(used_at=None).exists()


def test_row11_a_live_session_of_somebody_else_is_not_swapped_for_the_intermediate_session(api, pages):
    ids = {"organization_id": pages.values["organization_id"], "member_id": pages.values["member_id"]}
    stranger = MemberVisitor(api).log_in()
    given = {**ids, "code": pages.values["code"], "intermediate_session_token": pages.values["ist"]}
    answer = stranger.page("POST", f"{SDK}/b2b/totp/authenticate", given)
    refused(answer, 400, "member_session_member_id_mismatch")


def test_a_live_session_of_the_other_product_gives_way_to_the_intermediate_session(api, pages):
    user = UserVisitor(api).log_in()
    for route in BEGUN:
        with undone():
            data(user.page(route.method, pages.path(route), pages.body(route)))


@pytest.mark.parametrize("product", VISITORS)
def test_a_password_joins_the_live_session_of_its_own_person(api, product):
    visitor = VISITORS[product](api).log_in().step_up()
    before = Session.objects.count()
    visitor.log_in()
    assert visitor.factors() == {"password", "totp"}
    assert Session.objects.count() == before


@pytest.mark.parametrize("product", VISITORS)
def test_a_password_does_not_join_the_live_session_of_somebody_else(api, product):
    """Two people share a computer; the first one's cookie is left over."""
    first, second = VISITORS[product](api).log_in().step_up(), VISITORS[product](api)
    second.page = first.page
    second.log_in()
    assert second.session_token != first.session_token
    assert second.factors() == {"password"}
    assert first.factors() == {"password", "totp"}


def test_a_password_does_not_join_somebody_elses_intermediate_session(api):
    person, other_person = (make_person(api) for _ in range(2))
    token = begin(Page(), other_person)
    given = {**password_of(person), "intermediate_session_token": token}
    done = data(Page()("POST", f"{SDK}/b2b/passwords/authenticate", given))
    assert done["intermediate_session_token"] not in ("", token)
    assert done["member_id"] == person.member_id


def test_a_password_joins_its_own_intermediate_session(api):
    person = make_person(api)
    token = begin(Page(), person)
    given = {**password_of(person), "intermediate_session_token": token}
    done = data(Page()("POST", f"{SDK}/b2b/passwords/authenticate", given))
    assert done["intermediate_session_token"] == token


def test_a_session_of_another_place_is_a_session_here(api, configure):
    """Sessions, unlike intermediate ones, are good on every page of the project and at its back end."""
    visitor = MemberVisitor(api).log_in()
    ok(api("POST", "/v1/b2b/sessions/authenticate", {"session_token": visitor.session_token}))


# SE-06


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("product", VISITORS)
@pytest.mark.parametrize("step", ["step_up", "recover"])
def test_se06_stepping_up_ends_the_token_that_was_there_before(api, configure, product, step, rotate):
    configure(ROTATE_SESSION_TOKEN=rotate)
    visitor = VISITORS[product](api).log_in()
    planted = visitor.session_token
    getattr(visitor, step)()
    assert (visitor.session_token == planted) is not rotate
    thief = Page(planted)
    method, path = visitor.CALLS["refresh"]
    answer = thief(method, SDK + path, {})
    if rotate:
        refused(answer, *SESSION_DEAD)
    else:
        data(answer)
    assert len(visitor.factors()) == 2
    assert Session.objects.filter(revoked_at=None).count() == 1


def test_se06_the_token_before_the_second_factor_reaches_no_call_at_all(pages):
    """A page's session, stepped up once more: each of its routes refuses the token it had."""
    page = pages.pages["member"]
    given = {"code": pages.values["code"]}
    data(page("POST", f"{SDK}/b2b/totp/authenticate", given))
    for route in NEEDING:
        if route.who == "member":
            refused(pages.request(route, page), *SESSION_DEAD)


def test_se07_a_token_that_a_page_chose_is_never_adopted(api):
    visitor = MemberVisitor(api)
    chosen = "A" * 43 + "="
    visitor.page = Page(chosen)
    visitor.log_in()
    assert visitor.session_token != chosen
    refused(Page(chosen)("GET", f"{SDK}/b2b/organizations/members/me"), *SESSION_DEAD)


# Ending sessions


@pytest.mark.parametrize("product", VISITORS)
def test_logging_out_ends_the_pages_session_and_no_other(api, product):
    here = VISITORS[product](api).log_in()
    there = Page(here.session_token)
    here.page = Page()
    here.log_in()
    assert data(here.call("log out")).keys() == {"status_code", "request_id"}
    refused(here.call("log out"), *SESSION_DEAD)
    method, path = here.CALLS["refresh"]
    data(there(method, SDK + path, {}))


def test_an_administrator_ends_a_members_sessions_and_a_member_its_own(api):
    tenant = make_organization(api)["organization_id"]
    admin = MemberVisitor(api, organization_id=tenant, roles=["stytch_admin"]).log_in()
    member, colleague = (MemberVisitor(api, organization_id=tenant).log_in() for _ in range(2))
    path = f"{SDK}/b2b/sessions/revoke/{member.person.member_id}"
    refused(colleague.page("POST", path), 403, "session_authorization_error")
    assert member.factors() == {"password"}
    data(admin.page("POST", path))
    refused(member.call("refresh", {}), *SESSION_DEAD)
    data(colleague.page("POST", f"{SDK}/b2b/sessions/revoke/{colleague.person.member_id}"))
    refused(colleague.call("refresh", {}), *SESSION_DEAD)
    assert admin.factors() == {"password"}


def test_an_administrator_of_another_organization_finds_nobody(api):
    admin, member = MemberVisitor(api, roles=["stytch_admin"]).log_in(), MemberVisitor(api).log_in()
    answer = admin.page("POST", f"{SDK}/b2b/sessions/revoke/{member.person.member_id}")
    refused(answer, 404, "member_not_found")
    assert member.factors() == {"password"}


@pytest.mark.parametrize("product", VISITORS)
def test_a_refresh_without_a_duration_never_extends(api, product):
    visitor = VISITORS[product](api, totp=False).log_in()
    CLOCK.advance(59 * 60)
    visitor.factors()
    CLOCK.advance(59)
    visitor.factors()
    CLOCK.advance(1)
    refused(visitor.call("refresh", {}), *SESSION_DEAD)


@pytest.mark.parametrize("product", VISITORS)
def test_a_refresh_with_a_duration_counts_from_now(api, product):
    visitor = VISITORS[product](api, totp=False).log_in()
    CLOCK.advance(50 * 60)
    data(visitor.call("refresh", {"session_duration_minutes": 30}))
    CLOCK.advance(30 * 60 - 1)
    visitor.factors()
    CLOCK.advance(1)
    refused(visitor.call("refresh", {}), *SESSION_DEAD)


def test_a_switch_to_another_organization_takes_neither_factor_along(api):
    here = MemberVisitor(api).log_in().step_up()
    there = make_person(api, make_organization(api)["organization_id"], email_address=here.person.email)
    answer = here.page("POST", f"{SDK}/b2b/sessions/exchange", {"organization_id": there.organization_id})
    done = data(answer)
    assert (done["member_id"], done["member_session"]) == (there.member_id, None)
    assert done["primary_required"] is not None
    assert here.factors() == {"password", "totp"}
