"""The pages at ``/mfa/``: who sees which, what they say, and what they never tell."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.template import engines
from django.test import Client
from django.utils.http import urlencode

from stytch_totp.core import totp
from stytch_totp.models import AuditEvent, Guard, Member, RecoveryCode, Session, TOTPRegistration
from stytch_totp.operations import enrolment, organizations
from tests.clock import CLOCK
from tests.factories import OrganizationFactory, code_of, wrong_code
from tests.operations.situations import budget, fresh
from tests.web.markup import SITE, Page, leaves
from tests.web.visitors import (
    HTML,
    PASSWORD,
    STATES,
    Visitor,
    choose,
    join,
    log_in,
    not_enrolled,
    password_only,
    person,
    verified,
    verify,
    visitor,
)

pytestmark = pytest.mark.django_db

MANAGE, ENROL, VERIFY, RECOVER = "/mfa/", "/mfa/enrol/", "/mfa/verify/", "/mfa/recover/"
CODES, DOWNLOAD, REMOVE = "/mfa/codes/", "/mfa/codes/download/", "/mfa/remove/"
SWITCH, AGAIN = "/mfa/organizations/", "/mfa/log-in-again/"
PAGES = (MANAGE, ENROL, VERIFY, RECOVER, CODES, DOWNLOAD, REMOVE, SWITCH, AGAIN)
LOGIN = "/accounts/login/"


def post(client, path, **data):
    return client.post(path, data, headers={"Accept": HTML})


def following(response):
    """Where a redirect leads, and where from there."""
    assert response.status_code == 302
    address = urlsplit(response["Location"])
    return address.path, parse_qs(address.query).get("next", [""])[0]


def secret_of(response):
    """As a person reads it off the page that enrols."""
    (found,) = re.findall(r'<code class="secret"[^>]*>([A-Z2-7 ]+)</code>', response.content.decode())
    return found.replace(" ", "")


def codes_of(response):
    return re.findall(r"<li><code>([a-z0-9-]+)</code></li>", response.content.decode())


# Who sees which

OWES_CODE = {VERIFY: 200, RECOVER: 200, SWITCH: 200, AGAIN: 200} | dict.fromkeys(
    (MANAGE, ENROL, CODES, DOWNLOAD, REMOVE), VERIFY
)
OWES_APP = {ENROL: 200, SWITCH: 200, AGAIN: 200} | dict.fromkeys(
    (MANAGE, VERIFY, RECOVER, CODES, DOWNLOAD, REMOVE), ENROL
)
FRESH = dict.fromkeys(PAGES, 200) | {ENROL: MANAGE}
STALE = FRESH | dict.fromkeys((CODES, DOWNLOAD, REMOVE), VERIFY)
MATRIX = {
    "anonymous": dict.fromkeys(PAGES, LOGIN),
    "not_enrolled": OWES_APP,
    "pending": OWES_APP,
    "password_only": OWES_CODE,
    "other_organization": OWES_CODE,
    "other_users_mark": OWES_CODE,
    "verified": FRESH,
    "unchecked": FRESH,
    "stale": STALE,
    "stale_unchecked": STALE,
    "not_chosen": dict.fromkeys(PAGES, SWITCH) | {SWITCH: 200, AGAIN: 200},
    "revoked": dict.fromkeys(PAGES, LOGIN) | {AGAIN: 200},
}


def test_the_matrix_knows_every_state():
    assert set(MATRIX) == set(STATES)


@pytest.mark.parametrize("state", MATRIX)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_shown_or_leads_to_what_is_owed_first(acme, state, path):
    made = visitor(state, acme)
    response = made.get(path)
    expected = MATRIX[state][path]
    if expected == 200:
        assert response.status_code == 200
        return
    page, after = following(response)
    assert page == expected
    # A page that was on the way to this one would only be in the way afterwards.
    assert after == ("" if (path, page) in {(VERIFY, ENROL), (RECOVER, ENROL), (ENROL, MANAGE)} else path)


OPTIONAL = {
    # Where nobody owes anything, a password opens what shows no secret.
    "not_enrolled": {MANAGE: 200, ENROL: 200, VERIFY: ENROL, RECOVER: ENROL, CODES: VERIFY, REMOVE: VERIFY},
    "password_only": {MANAGE: 200, ENROL: MANAGE, VERIFY: 200, RECOVER: 200, CODES: VERIFY, REMOVE: VERIFY},
    "verified": FRESH,
    "stale": STALE,
}


@pytest.mark.parametrize(("state", "path"), [(state, path) for state in OPTIONAL for path in OPTIONAL[state]])
def test_where_nothing_is_owed_secrets_are_still_behind_a_code(globex, state, path):
    response = visitor(state, globex).get(path)
    expected = OPTIONAL[state][path]
    assert response.status_code == 200 if expected == 200 else following(response)[0] == expected


@pytest.mark.parametrize("state", MATRIX)
def test_no_state_leads_in_a_circle(acme, state):
    """Every page is reached, or another in its place, within a few redirects."""
    for path in PAGES:
        response = visitor(state, acme).client.get(path, headers={"Accept": HTML}, follow=True)
        assert response.status_code == 200
        assert len(response.redirect_chain) <= 3


# What every answer has


@pytest.mark.parametrize("state", MATRIX)
def test_ap08_no_answer_is_kept_or_framed(acme, settings, state):
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"  # of the host's other pages
    made = visitor(state, acme)
    for path in PAGES if state != "revoked" else [MANAGE]:
        response = made.get(path)
        if state == "anonymous":
            assert following(response) == (LOGIN, path)
            continue
        assert response["Cache-Control"] == "no-store, private"
        assert (response["X-Frame-Options"], response["Referrer-Policy"]) == ("DENY", "same-origin")
        if response.status_code == 200 and path != DOWNLOAD:
            assert_plain(Page(response))


def assert_plain(page):
    """It works under ``default-src 'self'; img-src 'self' data:``, and says what it is."""
    for tag, attributes in page.elements:
        assert tag not in ("style", "iframe", "object", "embed", "base")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        for name in ("href", "src", "action"):
            address = attributes.get(name) or ""
            allowed = {"src": ("/", "data:image/"), "href": ("/", "#", "otpauth:"), "action": ("/",)}[name]
            assert not address or (address.startswith(allowed) and not address.startswith("//"))
    assert re.findall(r"<script([^>]*)>(.*?)</script>", page.source, re.DOTALL) == [
        (attributes, "") for attributes in re.findall(r"<script([^>]*)>", page.source)
    ]
    assert all(one.get("src") for one in page.all("script"))
    assert page.one("html")["lang"] == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert all(one.get("alt") for one in page.all("img"))
    inputs = [one for one in page.all("input") if one.get("type") not in ("hidden", "submit")]
    assert {one["id"] for one in inputs} <= {one.get("for") for one in page.all("label")}


@pytest.mark.parametrize("answer", ["wrong", "malformed", "locked"])
@pytest.mark.parametrize("path", [ENROL, VERIFY, RECOVER])
def test_ap08_nor_is_the_answer_to_a_code(acme, answer, path):
    made = password_only(acme) if path != ENROL else not_enrolled(acme)
    made.get(path)
    given = {"wrong": "000000", "malformed": "x", "locked": "000000"}[answer]
    given = "aaaa-bbbb-cccd" if path == RECOVER and answer != "malformed" else given
    for _ in range(11 if answer == "locked" else 1):
        response = post(made.client, path, code=given)
    assert response.status_code == (429 if answer == "locked" else 200)
    assert (response["Cache-Control"], response["X-Frame-Options"]) == ("no-store, private", "DENY")
    assert_plain(Page(response))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("middleware", [True, False], ids=["behind Django's middleware", "without it"])
def test_no_form_is_taken_from_another_site(acme, settings, path, middleware):
    made = verified(acme)
    if not middleware:
        settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "Csrf" not in one]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = made.client.cookies
    before = (TOTPRegistration.objects.values().get(), RecoveryCode.objects.count(), strict.session.session_key)
    response = post(strict, path, code=code_of(made.secret, steps=1), member=str(made.member.pk))
    assert response.status_code == 403
    after = (TOTPRegistration.objects.values().get(), RecoveryCode.objects.count(), strict.session.session_key)
    assert after == before


@pytest.mark.parametrize("path", [VERIFY, RECOVER, CODES, REMOVE, SWITCH, AGAIN])
def test_every_form_carries_what_says_that_it_is_this_sites(acme, path):
    made = verified(acme)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = made.client.cookies
    page = Page(strict.get(path))
    tokens = {one["value"] for one in page.all("input", name="csrfmiddlewaretoken")}
    assert len(tokens) == 1
    response = post(strict, path, csrfmiddlewaretoken=tokens.pop(), code="x", member=str(made.member.pk))
    assert response.status_code in (200, 302)


@pytest.mark.parametrize("verb", ["put", "patch", "delete", "head", "options", "trace"])
def test_no_other_verb_is_answered(acme, verb):
    client = verified(acme).client
    for path in PAGES:
        assert getattr(client, verb)(path).status_code == 405
    assert post(client, DOWNLOAD).status_code == 405
    assert post(client, MANAGE).status_code == 405


# Enrolling


def test_a_visitor_enrols_and_is_verified_by_it(acme):
    made = not_enrolled(acme)
    response = made.get(ENROL)
    secret = secret_of(response)
    page = Page(response)
    assert page.one("img")["src"].startswith("data:image/png;base64,")
    assert f"secret={secret}" in next(one["href"] for one in page.all("a") if one["href"].startswith("otpauth:"))
    assert totp.grouped(secret) in page.text
    assert "Example (Acme)" in page.text
    assert made.user.email in page.text
    key = made.client.session.session_key
    assert following(post(made.client, ENROL, code=code_of(secret))) == (CODES, "")
    assert made.client.session.session_key != key
    assert fresh(made.member).active_totp_id
    assert fresh(made.member).mfa_enrolled is False  # the policy asks for it already
    assert made.get("/").status_code == 200


def test_where_it_is_the_members_choice_it_counts_from_now_on(globex):
    made = not_enrolled(globex)
    post(made.client, ENROL, code=code_of(secret_of(made.get(ENROL))))
    assert fresh(made.member).mfa_enrolled is True
    again = Client()
    log_in(again, made.user)
    assert following(again.get("/", headers={"Accept": HTML})) == (VERIFY, "/")


def test_en03_no_page_shows_the_secret_again(acme):
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    uri_part = f"secret={secret}"
    bodies = [post(made.client, ENROL, code=wrong_code(secret)), post(made.client, ENROL, code="x")]
    another = made.get(ENROL)
    assert secret_of(another) != secret
    bodies += [another, post(made.client, ENROL, code=code_of(secret_of(another)))]
    bodies += [made.get(path) for path in (*PAGES, "/", "/settings/")]
    bodies += [post(made.client, CODES), post(made.client, REMOVE), made.get(MANAGE)]
    for response in bodies:
        shown = unquote(response.content.decode()) + str(response.headers)
        assert secret not in shown
        assert totp.grouped(secret) not in shown
        assert uri_part not in shown
    assert secret not in str(dict(made.client.session))


def test_dj11_the_session_keeps_neither_secret_nor_code(acme):
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    post(made.client, ENROL, code=code_of(secret))
    shown = codes_of(made.get(CODES))
    kept = str(dict(made.client.session))
    session = Session.objects.get(member=made.member)
    for clear in (secret, *shown, session.reveal(), session.token_digest):
        assert clear not in kept


def test_a_wrong_code_is_said_beside_the_field_and_the_secret_is_not(acme):
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    response = post(made.client, ENROL, code=wrong_code(secret))
    page = Page(response)
    assert (response.status_code, page.all("img"), page.all("code")) == (200, [], [])
    assert_said(page, "That code is wrong")
    assert "Example (Acme)" in page.text
    assert following(post(made.client, ENROL, code=code_of(secret))) == (CODES, "")


def test_en08_a_secret_that_took_too_long_to_confirm_is_dead(acme):
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    CLOCK.advance(enrolment.DEFAULT_MINUTES * 60)
    assert_said(Page(post(made.client, ENROL, code=code_of(secret))), "This took too long")
    assert fresh(made.member).active_totp_id is None


def test_a_confirmation_without_a_beginning_says_so(acme):
    assert_said(Page(post(not_enrolled(acme).client, ENROL, code="123456")), "nothing to confirm any more")


@pytest.mark.parametrize("bound", [True, False])
def test_en09_what_was_begun_in_another_session_is_not_confirmed_here(acme, configure, bound):
    configure(BIND_PENDING_TOTP=bound)
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    thief = Client()
    log_in(thief, made.user)
    response = post(thief, ENROL, code=code_of(secret))
    if bound:
        assert_said(Page(response), "That code is wrong")
    assert bool(fresh(made.member).active_totp_id) is not bound
    assert budget(made.member, "totp") == (0, 0)


def test_en12_a_login_of_a_while_ago_is_shown_again_first(acme):
    made = not_enrolled(acme)
    CLOCK.advance(600)
    assert made.get(ENROL).status_code == 200
    CLOCK.advance(1)
    response = made.get(ENROL + "?next=/settings/")
    page = Page(response)
    assert (response.status_code, page.all("img")) == (403, [])
    back = page.one("input", name="next")["value"]
    assert (page.one("form", action=AGAIN)["method"], back) == ("post", ENROL + "?next=/settings/")
    assert TOTPRegistration.objects.count() == 1  # of the first time

    response = post(made.client, AGAIN, next=back)
    assert following(response) == (LOGIN, back)
    assert "_auth_user_id" not in made.client.session
    response = post(made.client, response["Location"], username=made.user.username, password=PASSWORD, next=back)
    assert response["Location"] == back
    assert made.get(back).status_code == 200


def test_en12_where_no_age_is_asked_none_counts(acme, configure):
    configure(ENROLMENT_MINUTES=0)
    made = not_enrolled(acme)
    CLOCK.advance(86_400)
    assert made.get(ENROL).status_code == 200


def test_an_organization_that_admits_no_app_says_whom_to_ask(acme):
    acme.mfa_methods, acme.allowed_mfa_methods = "RESTRICTED", ["sms_otp"]
    acme.save()
    response = not_enrolled(acme).client.get("/", headers={"Accept": HTML}, follow=True)
    assert [unquote(where) for where, _ in response.redirect_chain] == [ENROL + "?next=/"]
    assert_refused(response, "doesn't allow authenticator apps", status=400)


def test_en02_who_owns_a_factor_of_another_kind_is_told_that_no_page_asks_for_it(acme):
    made = not_enrolled(acme)
    Member.objects.update(mfa_phone_number="+15005550006", mfa_phone_verified=True)
    assert_refused(made.get(ENROL), "second factor that this site can't ask for")
    assert not TOTPRegistration.objects.exists()


def test_en02_who_has_an_app_elsewhere_shows_it_there_first(acme, globex):
    """With a password alone a thief would else enrol a phone where the user has none yet."""
    made = password_only(acme)
    secret, there = made.secret, made.member
    join(made, globex)
    choose(made.client, made.member)
    response = made.get(ENROL)
    assert_refused(response, "Switch to that one", status=401)
    assert SWITCH in {one["href"] for one in Page(response).all("a")}
    choose(made.client, there)
    verify(made.client, secret)
    choose(made.client, made.member)
    assert following(post(made.client, ENROL, code=code_of(secret_of(made.get(ENROL))))) == (CODES, "")


@pytest.mark.parametrize(
    ("site", "kept"), [("cross-site", True), ("same-origin", False), ("none", False), (None, False)]
)
def test_nobody_elses_page_takes_the_code_away_that_is_being_scanned(acme, site, kept):
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    headers = {"Accept": HTML} | ({"Sec-Fetch-Site": site} if site else {})
    page = Page(made.client.get(ENROL, headers=headers))
    assert len(page.all("img")) == (0 if kept else 1)
    response = post(made.client, ENROL, code=code_of(secret))
    assert (response.status_code == 302) is kept


def test_where_codes_cannot_be_shown_again_they_are_shown_with_the_confirmation(acme, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    made = not_enrolled(acme)
    secret = secret_of(made.get(ENROL))
    response = post(made.client, ENROL, code=code_of(secret), next="/settings/")
    shown = codes_of(response)
    assert (response.status_code, len(shown)) == (200, 10)
    assert "/settings/" in {one["href"] for one in Page(response).all("a")}
    assert DOWNLOAD not in response.content.decode()
    again = made.get(CODES)
    assert (again.status_code, codes_of(again)) == (200, [])
    assert "can be shown again" in Page(again).text
    assert_refused(made.get(DOWNLOAD), "can't be shown again", status=403)
    fresh_login = Client()
    log_in(fresh_login, made.user)
    assert post(fresh_login, RECOVER, code=shown[0]).status_code == 302


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path in PAGES if path != ENROL for method in ("get", "post")]
)
def test_a_user_without_a_member_gets_one_by_enrolling_and_by_nothing_else(path, method):
    made = person()
    log_in(made.client, made.user)
    data = {"code": "aaaa-bbbb-cccd" if path == RECOVER else "123456"}
    response = getattr(made.client, method)(path, data, headers={"Accept": HTML})
    assert response.status_code < 500
    assert not Member.objects.exists()


def test_a_user_without_a_member_enrols_as_one_of_the_users():
    made = person(first_name="Ada")
    log_in(made.client, made.user)
    assert made.get(MANAGE).status_code == 200
    secret = secret_of(made.get(ENROL))
    member = Member.objects.get()
    assert (member.user, member.organization, member.name) == (made.user, organizations.consumer(), "Ada")
    assert following(post(made.client, ENROL, code=code_of(secret))) == (CODES, "")
    assert len(codes_of(made.get(CODES))) == 10
    again = Client()
    log_in(again, made.user)
    assert following(again.get("/", headers={"Accept": HTML})) == (VERIFY, "/")


def test_a_session_from_before_the_site_had_this_logs_in_again_and_goes_in_no_circle():
    """When its login was isn't known: as old as can be."""
    made = person()
    log_in(made.client, made.user)
    forget_login(made.client)
    assert made.get(ENROL).status_code == 403

    made.client = Client()
    log_in(made.client, made.user)
    secret = secret_of(made.get(ENROL))
    post(made.client, ENROL, code=code_of(secret))
    forget_login(made.client)
    CLOCK.advance(30)
    assert following(post(made.client, VERIFY, code=code_of(secret), next=CODES)) == (CODES, "")
    response = made.get(CODES)
    assert response.status_code in (200, 403) or following(response)[0] != VERIFY


def forget_login(client):
    session = client.session
    del session["stytch_totp"]
    session.save()


# Verifying


def assert_said(page, words, field="id_code"):
    """Beside the field, announced, and the cursor is there."""
    attributes = page.one("input", id=field)
    assert (attributes["aria-invalid"], "autofocus" in attributes) == ("true", True)
    described = attributes["aria-describedby"].split()
    assert set(described) == {f"{field}_helptext", f"{field}_error"}
    assert all(page.by_id(one) for one in described)
    assert page.one("p", id=f"{field}_error")["role"] == "alert"
    assert words in page.text
    assert page.source.count("<title>Error: ") == 1


def assert_refused(response, words, status=None):
    page = Page(response)
    assert response.status_code == (status or response.status_code)
    assert response.status_code >= 400
    assert page.one("p", role="alert")
    assert words in page.text
    assert not page.all("input", name="code")
    assert response["Cache-Control"] == "no-store, private"


SPELLINGS = ["{0}{1}", "{0} {1}", "{0}\u00a0{1}", "{0}-{1}", " {0}{1} ", "{0}\u2009{1}", "{0}\u202f{1}", "\t{0} {1}\t"]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=ascii)
def test_a_code_is_accepted_as_apps_show_it_and_leads_on(acme, spelling):
    made = password_only(acme)
    code, key = code_of(made.secret), made.client.session.session_key
    response = post(made.client, VERIFY, code=spelling.format(code[:3], code[3:]), next="/settings/")
    assert response["Location"] == "/settings/"
    assert made.client.session.session_key != key
    assert made.get("/").status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        "12345",
        "1234567",
        "abcdef",
        "12345a",
        "123.456",
        "\uff11\uff12\uff13\uff14\uff15\uff16",
        "+12345",
        "123456\x00",
        "1" * 33,
        "1" * 10_000,
        "ckss-2skx-ebow",
    ],
    ids=lambda text: ascii(text)[:20],
)
def test_tv06_what_is_no_code_is_said_and_costs_nothing(acme, given):
    made = password_only(acme)
    response = post(made.client, VERIFY, code=given)
    assert (response.status_code, budget(made.member, "totp")) == (200, (0, 0))
    page = Page(response)
    assert page.one("input", id="id_code")["aria-invalid"] == "true"
    assert page.one("p", id="id_code_error")
    assert "value" not in page.one("input", id="id_code")


def test_a_form_without_a_code_is_said_so(acme):
    assert_said(Page(post(password_only(acme).client, VERIFY)), "Enter the six digits")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (None, "That code is wrong"),
        (11, "That code is wrong"),
        (-11, "That code is wrong"),
        (-3, "the clock of your phone may be off"),
        (3, "the clock of your phone may be off"),
    ],
)
def test_a_wrong_code_and_one_of_another_minute_are_told_apart_and_cost_the_same(acme, steps, words):
    made = password_only(acme)
    code = wrong_code(made.secret) if steps is None else code_of(made.secret, steps=steps)
    response = post(made.client, VERIFY, code=code)
    assert (response.status_code, budget(made.member, "totp")) == (200, (1, 0))
    page = Page(response)
    assert_said(page, words)
    assert code not in page.source
    assert made.get("/").status_code == 302


def test_a_code_that_was_used_is_said_so(acme):
    made = password_only(acme)
    code = code_of(made.secret)
    assert post(made.client, VERIFY, code=code).status_code == 302
    assert_said(Page(post(made.client, VERIFY, code=code)), "That code was used already")
    assert budget(made.member, "totp") == (0, 0)


@pytest.mark.parametrize(("path", "kind"), [(VERIFY, "totp"), (RECOVER, "recovery"), (ENROL, "totp")])
def test_a_locked_visitor_is_told_until_when_on_every_answer(acme, path, kind):
    made = not_enrolled(acme) if path == ENROL else password_only(acme)
    made.get(path)
    secret = TOTPRegistration.objects.get().reveal()
    wrong = "aaaa-bbbb-cccd" if kind == "recovery" else _wrong(secret)
    for _ in range(10):
        assert post(made.client, path, code=wrong).status_code == 200
    response = post(made.client, path, code=wrong)
    assert (response.status_code, response["Retry-After"]) == (429, "3600")
    until = "Too many wrong codes. You can try again after Jan. 15, 2027, 9 a.m. UTC."
    assert_said(Page(response), until)
    page = Page(made.get(path))
    assert until in page.text
    assert page.one("p", role="alert")
    CLOCK.advance(3599)
    if path != ENROL:  # by then that login is one of a while ago
        assert until in Page(made.get(path)).text
        CLOCK.advance(1)
        assert "Too many" not in Page(made.get(path)).text


def _wrong(secret):
    near = {totp.hotp(secret, totp.step_at(CLOCK()) + steps) for steps in range(-20, 21)}
    return next(code for code in map("{:06d}".format, range(1000)) if code not in near)


def test_tv15_a_right_code_while_locked_is_refused_and_not_spent(acme):
    made = password_only(acme)
    Guard.objects.filter(member=made.member, kind="totp").update(locked_until=int(CLOCK()) + 5, failures=10, locks=1)
    code = code_of(made.secret)
    assert post(made.client, VERIFY, code=code).status_code == 429
    CLOCK.advance(5)
    assert post(made.client, VERIFY, code=code).status_code == 302


def test_what_is_typed_at_the_page_of_somebody_without_an_app_is_no_confirmation(globex):
    """A pending TOTP is confirmed at its own page, where the choice for it is made, too."""
    made = not_enrolled(globex)
    secret = secret_of(made.get(ENROL))
    post(made.client, VERIFY, code=code_of(secret))
    assert fresh(made.member).active_totp_id is None or fresh(made.member).mfa_enrolled


@pytest.mark.parametrize(
    ("path", "autocomplete", "inputmode"), [(VERIFY, "one-time-code", "numeric"), (RECOVER, "off", None)]
)
def test_a_field_tells_browsers_and_keyboards_what_it_is(acme, path, autocomplete, inputmode):
    attributes = Page(password_only(acme).get(path)).one("input", id="id_code")
    assert (attributes["autocomplete"], attributes.get("inputmode")) == (autocomplete, inputmode)
    assert (attributes["aria-describedby"], "aria-invalid" in attributes) == ("id_code_helptext", False)
    assert {"autofocus", "required"} <= set(attributes)
    assert (attributes["spellcheck"], attributes["type"]) == ("false", "text")
    assert "value" not in attributes
    assert "readonly" not in attributes


def test_where_a_qr_code_comes_first_the_cursor_waits(acme):
    attributes = Page(not_enrolled(acme).get(ENROL)).one("input", id="id_code")
    assert ("autofocus" in attributes, attributes["autocomplete"]) == (False, "one-time-code")


# Recovering


@pytest.mark.parametrize("spell", [str, str.upper, lambda code: code.replace("-", ""), lambda code: f" {code} "])
def test_a_recovery_code_lets_in_once(acme, spell):
    made = password_only(acme)
    key = made.client.session.session_key
    response = post(made.client, RECOVER, code=spell(made.codes[0]), next="/")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert made.client.session.session_key != key
    assert made.get("/").status_code == 200
    again = Client()
    log_in(again, made.user)
    page = Page(post(again, RECOVER, code=made.codes[0]))
    assert "none of your unused recovery codes" in page.text
    assert following(again.get("/", headers={"Accept": HTML}))[0] == VERIFY


@pytest.mark.parametrize(
    ("given", "words", "charged"),
    [
        ("", "Enter one of your recovery codes", 0),
        ("x", "A recovery code looks like this", 0),
        ("123456", "That is a code from your app", 0),
        ("x" * 65, "", 0),
        ("aaaa-bbbb-cccd", "none of your unused recovery codes", 1),
    ],
)
def test_what_is_no_recovery_code_of_theirs_is_said(acme, given, words, charged):
    made = password_only(acme)
    response = post(made.client, RECOVER, code=given)
    assert (response.status_code, budget(made.member, "recovery")) == (200, (charged, 0))
    assert_said(Page(response), words)


def test_rc05_who_came_by_a_recovery_code_removes_the_app_but_sees_no_codes(globex):
    made = password_only(globex)
    post(made.client, RECOVER, code=made.codes[0])
    assert following(made.get(CODES)) == (VERIFY, CODES)
    assert following(made.get(DOWNLOAD)) == (VERIFY, DOWNLOAD)
    before = set(RecoveryCode.objects.values_list("pk"))
    assert following(post(made.client, CODES)) == (VERIFY, CODES)
    assert set(RecoveryCode.objects.values_list("pk")) == before
    assert made.get(REMOVE).status_code == 200


# Recovery codes


def test_rc04_codes_are_shown_after_a_fresh_code_of_the_app_alone(acme):
    made = verified(acme)
    assert codes_of(made.get(CODES)) == made.codes
    CLOCK.advance(600)
    assert codes_of(made.get(CODES)) == made.codes
    CLOCK.advance(1)
    assert following(made.get(CODES + "?next=/settings/")) == (VERIFY, CODES + "?next=/settings/")
    verify(made.client, made.secret)
    assert codes_of(made.get(CODES)) == made.codes
    assert AuditEvent.objects.filter(tag="member:recovery_codes:shown", actor_kind="browser").count() == 3


def test_rc06_used_codes_are_not_shown(acme):
    made = password_only(acme)
    post(made.client, RECOVER, code=made.codes[3])
    verify(made.client, made.secret)
    assert codes_of(made.get(CODES)) == [code for code in made.codes if code != made.codes[3]]
    RecoveryCode.objects.all().delete()
    page = Page(made.get(CODES))
    assert "All of them are used" in page.text


def test_codes_are_downloaded_as_text(acme):
    made = verified(acme)
    response = made.get(DOWNLOAD)
    assert (response["Content-Type"], response["Content-Disposition"]) == (
        "text/plain",
        'attachment; filename="recovery-codes.txt"',
    )
    assert response.content.decode().splitlines() == ["Example (Acme)", *made.codes]


def test_rc07_new_codes_are_shown_once_made_and_the_old_ones_are_dead(acme):
    made = verified(acme)
    response = post(made.client, CODES, next="/settings/")
    shown = codes_of(response)
    assert (response.status_code, len(shown), set(shown) & set(made.codes)) == (200, 10, set())
    assert "/settings/" in {one["href"] for one in Page(response).all("a")}
    assert codes_of(made.get(CODES)) == shown
    again = Client()
    log_in(again, made.user)
    assert post(again, RECOVER, code=made.codes[0]).status_code == 200
    assert post(again, RECOVER, code=shown[0]).status_code == 302


def test_who_has_no_app_has_no_codes_and_is_sent_in_no_circle(globex):
    for path in (CODES, REMOVE):
        made = not_enrolled(globex)
        response = made.client.get(path, headers={"Accept": HTML}, follow=True)
        assert (response.status_code, len(response.redirect_chain) <= 2) == (200, True)


# The page that shows how things stand


def test_the_first_page_says_how_things_stand(globex):
    made = not_enrolled(globex)
    page = Page(made.get(MANAGE))
    assert {one["href"] for one in page.all("a")} & set(PAGES) - {MANAGE} == {ENROL}
    made = verified(globex)
    page = Page(made.get(MANAGE))
    assert {one["href"] for one in page.all("a")} >= {CODES, REMOVE}
    assert "Jan. 15, 2027" in page.text
    assert "Recovery codes left 10" in page.text


@pytest.mark.parametrize(("used", "warned"), [(6, False), (7, True), (10, True)])
def test_who_runs_out_of_codes_is_told(acme, used, warned):
    made = verified(acme)
    some = list(RecoveryCode.objects.values_list("pk", flat=True)[:used])
    RecoveryCode.objects.filter(pk__in=some).update(used_at=1, sealed_code=None)
    page = Page(made.get(MANAGE))
    assert f"Recovery codes left {10 - used}" in page.text
    assert ("few recovery codes" in page.text) is warned


# Removing


@pytest.mark.parametrize(("policy", "after", "owed"), [("OPTIONAL", MANAGE, None), ("REQUIRED_FOR_ALL", MANAGE, ENROL)])
def test_en13_removing_takes_the_factor_away_and_what_follows_is_the_policys(globex, policy, after, owed):
    globex.mfa_policy = policy
    globex.save()
    made = verified(globex)
    Member.objects.update(mfa_enrolled=True)
    assert "Its codes and your recovery codes stop working" in Page(made.get(REMOVE)).text
    key = made.client.session.session_key
    assert following(post(made.client, REMOVE)) == (after, "")
    member = fresh(made.member)
    assert (member.active_totp_id, member.mfa_enrolled) == (None, False)
    assert made.client.session.session_key != key
    response = made.get("/")
    assert response.status_code == 200 if owed is None else following(response) == (ENROL, "/")


@pytest.mark.parametrize("age", [600, 601])
def test_en13_removing_needs_a_factor_of_just_now(globex, age):
    made = verified(globex)
    CLOCK.advance(age)
    response = post(made.client, REMOVE)
    assert following(response) == ((MANAGE, "") if age == 600 else (VERIFY, REMOVE))
    assert bool(fresh(made.member).active_totp_id) is (age != 600)


def test_en13_a_password_alone_removes_nothing(globex):
    made = password_only(globex)
    assert following(post(made.client, REMOVE)) == (VERIFY, REMOVE)
    assert fresh(made.member).active_totp_id


def test_after_removing_another_app_is_set_up(acme):
    made = verified(acme)
    post(made.client, REMOVE)
    secret = secret_of(made.get(ENROL))
    assert following(post(made.client, ENROL, code=code_of(secret))) == (CODES, "")


# Organizations


@pytest.fixture
def two(acme, globex):
    """Verified at Acme, and of Globex, too."""
    made = person(globex)
    made.globex = made.member
    join(made, acme, enrolled=True)
    log_in(made.client, made.user)
    choose(made.client, made.member)
    verify(made.client, made.secret)
    return made


def test_a_visitor_of_several_organizations_chooses_and_switches(two):
    page = Page(two.get(SWITCH))
    current = {one["value"]: one.get("aria-current") for one in page.all("button", name="member")}
    assert current == {str(two.globex.pk): None, str(two.member.pk): "true"}
    key = two.client.session.session_key
    response = post(two.client, SWITCH, member=str(two.globex.pk), next="/settings/")
    assert (response["Location"], two.client.session.session_key != key) == ("/settings/", True)
    assert "Globex" in Page(two.get(MANAGE)).text
    assert SWITCH in {one["href"] for one in Page(two.get(MANAGE)).all("a")}


def test_te04_what_was_shown_to_one_is_not_shown_to_the_other_and_is_there_on_return(two, globex):
    globex.mfa_policy = "REQUIRED_FOR_ALL"
    globex.save()
    choose(two.client, two.globex)
    assert following(two.get("/"))[0] == ENROL
    choose(two.client, two.member)
    assert two.get("/").status_code == 200


def test_en02_a_phone_begun_by_password_is_worth_nothing_once_the_owner_has_one(acme, globex):
    owner = person(globex, is_staff=True, is_superuser=True)
    there = owner.member
    join(owner, acme)
    thief = Visitor(user=owner.user)
    for one, member in ((thief, there), (owner, owner.member)):
        log_in(one.client, one.user)
        choose(one.client, member)
        one.secret = secret_of(one.get(ENROL))
    assert following(post(owner.client, ENROL, code=code_of(owner.secret)))[0] == CODES
    refused = post(thief.client, ENROL, code=code_of(thief.secret))
    assert refused.status_code == 401
    assert not there.registrations.filter(state="active").exists()
    assert thief.led_to("/admin/") == ENROL


def test_who_has_shown_one_app_confirms_another(two):
    choose(two.client, two.globex)
    secret = secret_of(two.get(ENROL))
    assert following(post(two.client, ENROL, code=code_of(secret)))[0] == CODES


@pytest.mark.parametrize("whose", ["a stranger's", "a colleague's", "a deleted one", "no id", "nothing"])
def test_te04_only_ones_own_memberships_can_be_chosen(two, acme, whose):
    colleague = person(acme).member
    gone = join(Visitor(user=two.user), OrganizationFactory.create()).member
    Member.objects.filter(pk=gone.pk).update(status="deleted")
    ids = {
        "a stranger's": person(OrganizationFactory.create()).member.pk,
        "a colleague's": colleague.pk,
        "a deleted one": gone.pk,
        "no id": "\x00",
        "nothing": "",
    }
    key = two.client.session.session_key
    assert_refused(post(two.client, SWITCH, member=str(ids[whose])), "aren't a member", status=403)
    assert two.client.session.session_key == key
    assert "Acme" in Page(two.get(MANAGE)).text


# Logging in again


@pytest.mark.parametrize("state", ["not_enrolled", "verified", "not_chosen"])
def test_logging_in_again_logs_out_and_asks_for_the_password(acme, state):
    made = visitor(state, acme)
    assert following(post(made.client, AGAIN)) == (LOGIN, MANAGE)
    assert following(made.get("/")) == (LOGIN, "/")


# Where a page leads next

PAYLOADS = [
    "https://evil.example",
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    "\n//evil.example",
    " //evil.example",
    "\x00//evil.example",
    "\x1f//evil.example",
    "\u00a0//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http:\\evil.example",
    "hTTps://evil.example",
    "ht\ntps://evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://testserver/",
    "https://testserver@evil.example",
    "https://testserver:x@evil.example/",
    "https://testserver.evil.example",
    "https://evil.example\\@testserver",
    "https://evil.example#@testserver",
    "//testserver@evil.example",
    "http://testserver:81/",
    "http://[::1]/",
    "//[evil.example",
    "http://testserver\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\uff0fevil.example\\..\\..//evil.example",
    "//google\u3002com",
]


def test_mw06_there_are_as_many_payloads_as_promised():
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 40


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_mw06_no_page_leads_off_the_site(globex, payload):
    """Neither by a redirect nor by a link nor by a form, whether asked in the query or in the body."""
    made = password_only(globex)
    shown = [
        made.client.get(path, {"next": payload}, headers={"Accept": HTML}) for path in (VERIFY, RECOVER, SWITCH, AGAIN)
    ]
    shown.append(post(made.client, VERIFY, code="x", next=payload))
    led = [
        post(made.client, VERIFY, code=code_of(made.secret), next=payload),
        post(made.client, RECOVER, code=made.codes[0], next=payload),
        post(made.client, SWITCH, member=str(made.member.pk), next=payload),
        made.client.get(ENROL, {"next": payload}),
        made.client.post(f"{SWITCH}?{urlencode({'next': payload})}", {"member": str(made.member.pk)}),
        post(made.client, REMOVE, next=payload),
    ]
    shown.append(made.client.get(ENROL, {"next": payload}))
    secret = secret_of(shown[-1])
    led.append(post(made.client, ENROL, code=code_of(secret), next=payload))
    shown += [made.client.get(CODES, {"next": payload}), post(made.client, CODES, next=payload)]
    led.append(post(made.client, AGAIN, next=payload))
    assert {response.status_code for response in led} == {302}
    assert {response.status_code for response in shown} == {200}
    for response in led:
        assert not leaves(response["Location"])
        assert not leaves(following(response)[1])
    for response in shown:
        page = Page(response)
        addresses = [one.get("href") for one in page.all("a")] + [one.get("action") for one in page.all("form")]
        addresses += [one["value"] for one in page.all("input", name="next")]
        addresses += [parse_qs(urlsplit(one or "").query).get("next", [""])[0] for one in addresses]
        assert [one for one in addresses if leaves(one) and not (one or "").startswith("otpauth:")] == []


@pytest.mark.parametrize("place", ["/settings/", "/settings/?a=1&b=2", "/mfa/codes/", f"{SITE}/settings/", "settings/"])
def test_mw06_a_place_on_this_site_is_gone_to(globex, place):
    made = password_only(globex)
    response = post(made.client, VERIFY, code=code_of(made.secret), next=place)
    assert response["Location"] == place


def test_mw06_a_secure_site_leads_to_no_insecure_place(globex, settings):
    made = password_only(globex)
    response = made.client.post(VERIFY, {"code": code_of(made.secret), "next": f"{SITE}/settings/"}, secure=True)
    assert response["Location"] == MANAGE


def test_a_place_goes_from_page_to_page_until_it_is_reached(acme):
    made = not_enrolled(acme)
    address = "/settings/?a=1&b=2"
    page, after = following(made.get(address))
    assert (page, after) == (ENROL, address)
    shown = made.client.get(page, {"next": after}, headers={"Accept": HTML})
    assert Page(shown).one("input", name="next")["value"] == address
    page, after = following(post(made.client, ENROL, code=code_of(secret_of(shown)), next=after))
    assert (page, after) == (CODES, address)
    assert address in {one["href"] for one in Page(made.client.get(page, {"next": after})).all("a")}
    links = Page(password_only(acme).client.get(VERIFY, {"next": address})).all("a")
    assert f"{RECOVER}?next=%2Fsettings%2F%3Fa%3D1%26b%3D2" in {one["href"] for one in links}


# Templates


BLOCKS = ["title", "site_title", "styles", "scripts", "header", "heading_text", "content", "footer_links"]
TEMPLATES = ["manage", "enrol", "verify", "recover", "codes", "remove", "switch", "log_in_again", "refused"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_page_is_overridden_block_by_block(rf, name):
    """By a template of the host's, which extends ours."""

    def render(blocks):
        return engines["django"].from_string(f'{{% extends "stytch_totp/{name}.html" %}}{blocks}').render({}, request)

    request = rf.get("/")
    request.user = get_user_model()(username="ada")
    for block in BLOCKS:
        assert render(f"{{% block {block} %}}OVERRIDDEN{{% endblock %}}").count("OVERRIDDEN") == 1, block
    assert "<footer" not in render("{% block footer %}{% endblock %}")
