"""The single page at ``/spa/``, on a phone, light and dark, by keyboard alone: what its visitors do and meet."""

from datetime import datetime, timezone

import pytest

from tests.site.spa_page import API, COOKIE, SinglePage

pytestmark = [pytest.mark.live, pytest.mark.browser]

LOG_IN, SET_UP, VERIFY = "Log in", "Set up your authenticator app", "Enter your code"
RECOVER, CODES = "Use a recovery code", "Recovery codes"
ACCOUNT, REMOVE = "You are logged in", "Remove the authenticator app"
WRONG_CODE = "That code is wrong. Enter the one that your app shows now."
WRONG_LOGIN = "The organization, the e-mail address or the password is wrong."
ENDED = "The login took too long, or too many codes were wrong. Log in again."
GONE = "The server can't be reached. Nothing was changed as far as this page knows; try again."
MINUTE, HOUR = 60, 60 * 60


@pytest.fixture
def accessible(packages):
    """Have a look with axe-core, light and dark."""
    axe = (packages / "axe-core" / "axe.min.js").read_text()

    def look(visitor, state):
        visitor.page.evaluate(axe)
        for scheme in ("light", "dark"):
            visitor.page.emulate_media(color_scheme=scheme)
            found = visitor.page.evaluate("axe.run()")["violations"]
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], (state, scheme)

    return look


def on_a_phone(visitor, state):
    """Nothing sticks out at the side."""
    width, seen = visitor.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= seen == 360, state


@pytest.fixture
def come(visit, live, accessible):
    """Somebody opens the page, whose browser has a cookie of the site; its clock is the server's."""

    def come(who, language="en"):
        phone = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 3, "timezone_id": "UTC"}
        visitor = visit(who, as_=SinglePage, long=True, language=language, looks=[on_a_phone, accessible], **phone)
        visitor.page.clock.set_fixed_time(live.now)
        visitor.page.context.add_cookies([COOKIE | {"url": live.url}])
        visitor.goes("/spa/")
        visitor.sees("log in", LOG_IN)
        assert visitor.page.locator("html").get_attribute("lang") == language
        return visitor

    return come


@pytest.mark.parametrize(
    ("language", "heading", "date"),
    [("en", "Set up your authenticator app", "%b %-d, %Y"), ("de", "Authenticator-App einrichten", "%d.%m.%Y")],
)
def test_who_must_have_a_second_factor_sets_one_up_and_comes_back_with_a_code(come, language, heading, date):
    visitor = come("newcomer", language)
    first, second = map(visitor.translated, ("Password", "Authenticator app"))
    visitor.fills_in(organization=visitor.slug, email=visitor.person.email, password="a wrong one")
    visitor.warned(WRONG_LOGIN)
    visitor.sees("log in, wrong password", LOG_IN)
    visitor.fills_in(organization="nobody", email=visitor.person.email, password=visitor.person.password)
    visitor.warned(WRONG_LOGIN)
    visitor.logs_in()

    visitor.sees("set up", SET_UP)
    assert visitor.main("h1").inner_text() == heading
    visitor.person.secret = visitor.scans().secret
    assert visitor.copies("Copy the secret") == visitor.person.secret
    visitor.enters("12 34")
    visitor.warned("A code has six digits and nothing else.")
    visitor.enters(visitor.wrong_code())
    visitor.warned(WRONG_CODE)
    visitor.sees("set up, wrong code", SET_UP)
    code = visitor.app()
    visitor.enters(f" {code[:3]} {code[3:]}")

    visitor.sees("recovery codes, new", CODES)
    visitor.hears("Your authenticator app is set up.")
    assert len(set(visitor.codes())) == 10
    assert visitor.copies("Copy").split() == visitor.codes()
    visitor.goes_on()
    assert visitor.main("dd").all_inner_texts()[:2] == [visitor.person.email, visitor.person.organizations[0]]
    assert visitor.factors() == [first, second]
    visitor.logs_out()

    today = datetime.fromtimestamp(visitor.live.now, timezone.utc).strftime(date)
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.enters(code)
    visitor.warned("That code was used already. Wait for the next one.")
    visitor.sees("verify, code used already", VERIFY)
    visitor.verifies()
    visitor.sees("account", ACCOUNT)
    assert visitor.factors() == [first, second]
    assert visitor.main("time").first.inner_text().startswith(f"{today}, ")


def test_who_lost_the_phone_recovers_once_and_sets_up_another(come):
    visitor = come("enrolled")
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.chooses("Use a recovery code")
    visitor.sees("recover", RECOVER)
    visitor.enters("nothing like it")
    visitor.warned("A recovery code looks like this: ckss-2skx-ebow.")
    visitor.enters("ckss-2skx-ebow")
    visitor.warned("That is none of your unused recovery codes.")
    visitor.sees("recover, wrong code", RECOVER)
    visitor.enters(visitor.person.codes.pop(0).upper().replace("-", " "))
    visitor.sees("account, recovered", ACCOUNT)
    visitor.hears("Recovery codes left: 9.")
    assert visitor.factors() == ["Password", "Recovery code"]

    visitor.chooses("Remove the app, or change phones")
    visitor.sees("remove", REMOVE)
    visitor.passes(11 * MINUTE)
    visitor.chooses("Remove it")
    visitor.sees("verify, once more", VERIFY)
    visitor.chooses("Use a recovery code")
    visitor.sees("recover, once more", RECOVER)
    visitor.enters(visitor.person.codes.pop())
    visitor.sees("remove, recovered", REMOVE)
    visitor.chooses("Remove it")
    visitor.sees("account, without an app", ACCOUNT)
    assert visitor.factors() == ["Password"]

    visitor.chooses("Set up an authenticator app")
    visitor.sees("log in, the password was given a while ago", LOG_IN)
    assert visitor.page.locator("[name=email]").input_value() == visitor.person.email
    visitor.fills_in(password=visitor.person.password)
    visitor.sets_up()
    assert visitor.factors() == ["Password", "Authenticator app"]


def test_recovery_codes_are_shown_to_who_showed_a_code_of_the_app_lately(come):
    visitor = come("enrolled")
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.chooses("Use a recovery code")
    visitor.sees("recover", RECOVER)
    visitor.enters(visitor.person.codes.pop(0))
    visitor.sees("account, recovered", ACCOUNT)
    visitor.chooses("Show or replace recovery codes")
    visitor.sees("verify, for the codes", VERIFY)
    assert not visitor.page.get_by_role("button", name="Use a recovery code").is_visible()
    visitor.verifies()
    visitor.sees("recovery codes", CODES)
    assert visitor.codes() == visitor.person.codes

    visitor.passes(11 * MINUTE)
    visitor.presses(visitor.main("summary"))
    visitor.chooses("Make new codes")
    visitor.sees("verify, to replace the codes", VERIFY)
    visitor.verifies()
    visitor.sees("recovery codes", CODES)
    visitor.presses(visitor.main("summary"))
    visitor.chooses("Make new codes")
    visitor.hears("These are new. None of the old ones works any more.")
    visitor.sees("recovery codes, replaced", CODES)
    assert len(visitor.codes()) == 10
    assert not set(visitor.codes()) & set(visitor.person.codes)


def test_who_need_not_have_a_second_factor_sets_one_up_and_removes_it(come):
    visitor = come("unasked")
    visitor.logs_in()
    visitor.sees("account, without an app", ACCOUNT)
    assert visitor.factors() == ["Password"]
    visitor.chooses("Set up an authenticator app")
    visitor.sets_up()
    visitor.logs_out()

    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.verifies()
    visitor.sees("account", ACCOUNT)
    visitor.chooses("Remove the app, or change phones")
    visitor.sees("remove", REMOVE)
    visitor.chooses("Remove it")
    visitor.sees("account, without an app", ACCOUNT)
    visitor.hears("Your authenticator app was removed.")
    visitor.logs_out()

    visitor.logs_in()
    visitor.sees("account, without an app", ACCOUNT)


def test_guesses_end_the_login_and_then_lock_and_the_page_says_until_when(come):
    visitor = come("enrolled")
    for _ in range(2):
        visitor.logs_in()
        visitor.sees("verify", VERIFY)
        for _ in range(5):
            visitor.enters(visitor.wrong_code())
            visitor.warned(WRONG_CODE)
        visitor.enters(visitor.app())
        visitor.sees("log in, too many codes were wrong", LOG_IN)
        visitor.waits_for(visitor.main("[role=alert]"), ENDED)
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.enters(visitor.app())
    visitor.warned(visitor.locked_until(HOUR), wrong=False)
    visitor.sees("verify, locked", VERIFY)
    visitor.chooses("Use a recovery code")
    visitor.sees("recover", RECOVER)
    visitor.enters(visitor.person.codes[0])
    visitor.sees("account, recovered", ACCOUNT)


def test_a_login_that_took_too_long_begins_anew(come):
    visitor = come("enrolled")
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.passes(10 * MINUTE)
    visitor.enters(visitor.app())
    visitor.sees("log in, it took too long", LOG_IN)
    visitor.waits_for(visitor.main("[role=alert]"), ENDED)
    visitor.logs_in()
    visitor.sees("verify", VERIFY)


def test_a_session_that_was_revoked_leads_back_to_the_login(come, live):
    visitor = come("unasked")
    visitor.logs_in()
    visitor.sees("account, without an app", ACCOUNT)
    live.manage(code=f"from tests.site import people; people.revoke({visitor.person.email!r})")
    visitor.chooses("Set up an authenticator app")
    visitor.sees("log in, the session ended", LOG_IN)
    visitor.waits_for(visitor.main("[role=alert]"), "Your session has ended. Log in again.")


def test_a_page_that_is_loaded_again_has_forgotten_the_session(come):
    visitor = come("unasked")
    visitor.logs_in()
    visitor.sees("account, without an app", ACCOUNT)
    visitor.goes("/spa/")
    visitor.sees("log in", LOG_IN)


def test_a_code_that_is_sent_twice_is_sent_once(come):
    visitor = come("enrolled")
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.fills(visitor.main("[name=code]"), visitor.app())
    visitor.main("form").evaluate("form => { form.requestSubmit(); form.requestSubmit(); }")
    visitor.sees("account", ACCOUNT)
    assert visitor.calls("totp/authenticate") == 1


def test_a_server_that_is_gone_is_told_from_a_wrong_code(come):
    visitor = come("enrolled")
    visitor.logs_in()
    visitor.sees("verify", VERIFY)
    visitor.page.route(f"**{API}/totp/authenticate", lambda route: route.abort())
    visitor.enters(visitor.app())
    visitor.warned(GONE, wrong=False)
    visitor.page.unroute(f"**{API}/totp/authenticate")
    visitor.enters(visitor.app())
    visitor.sees("account", ACCOUNT)


def test_where_no_scripts_run_the_page_points_to_those_that_need_none(visit):
    visitor = visit("unasked", scripts=False)
    visitor.goes("/spa/")
    assert visitor.link("/accounts/login/").is_visible()
