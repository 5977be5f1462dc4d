"""Sessions at a page: stepped up, swapped, kept over visits, and dropped by the SDK once they are revoked."""

import pytest

from tests.contract import driver
from tests.contract.situations import STEP
from tests.e2e.browser import BROWSER_TESTS, IST, JWT, SESSION, refused
from tests.e2e.people import log_in, verify

pytestmark = BROWSER_TESTS

GONE = (404, "session_not_found")


@pytest.fixture(params=["b2b", "consumer"])
def product(request):
    return request.param


@pytest.fixture
def page(visit, product):
    """A page of either product whose timers the test can set forward."""
    page = visit(product, start=False)
    page.tab.clock.install()
    page.start()
    return page


@pytest.fixture
def logged_in(page, new, user):
    """The session token of somebody who has logged in at ``page``."""
    return log_in(page, new() if page.client == "b2b" else user)["session_token"]


@pytest.fixture
def revoke(server, consumer_server, product):
    """Revoke a session behind the page's back."""
    sessions = server.sessions if product == "b2b" else consumer_server.sessions
    return lambda session_token: sessions.revoke(session_token=session_token)


def test_stepping_up_swaps_the_cookies_and_the_old_token_is_dead_at_once(b2b, new, server):
    person = new(enrolled=True)
    old = log_in(b2b, person)["session_token"]
    done = verify(b2b, person)
    assert done["session_token"] != old
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}
    assert driver.refused(server.sessions.authenticate, session_token=old) == GONE
    assert server.sessions.authenticate(session_token=done["session_token"]).member.member_id == person.member_id


def test_a_session_lasts_over_visits(page, logged_in):
    with page.tab.expect_response("**/sessions/authenticate") as refreshed:
        page.start()
    assert refreshed.value.status == 200
    assert page.session.getSync() is not None
    assert page.cookies[SESSION] == logged_in


def test_a_page_that_waits_gets_a_fresh_jwt(page, logged_in, server_clock):
    jwt = page.cookies[JWT]
    server_clock.advance(3 * 60)
    page.tab.clock.fast_forward("03:01")
    page.tab.wait_for_function("jwt => !document.cookie.includes(jwt)", arg=jwt)
    assert page.cookies[SESSION] == logged_in
    assert page.cookies.keys() == {SESSION, JWT}


def test_a_page_takes_over_the_session_that_its_back_end_began(b2b, new):
    begun = new().session()
    b2b.session.updateSession(session_token=begun.session_token, session_jwt=begun.session_jwt)
    assert b2b.session.authenticate()["member"]["member_id"] == begun.member_id
    assert b2b.cookies[SESSION] == begun.session_token
    assert b2b.self.getSync()["member_id"] == begun.member_id


def test_a_page_that_asks_learns_that_its_session_was_revoked(page, logged_in, revoke):
    revoke(logged_in)
    assert refused(page.session.authenticate) == GONE
    assert page.cookies == {}
    assert page.session.getSync() is None


def test_a_page_that_waits_learns_within_three_minutes_that_its_session_was_revoked(page, logged_in, revoke):
    revoke(logged_in)
    with page.tab.expect_response("**/sessions/authenticate") as refreshed:
        page.tab.clock.fast_forward("03:01")
    assert refreshed.value.status == 404
    page.tab.wait_for_function("document.cookie === ''")
    assert page.session.getSync() is None


def test_a_page_that_is_visited_anew_learns_that_its_session_was_revoked(page, logged_in, revoke):
    revoke(logged_in)
    page.start()
    page.tab.wait_for_function("document.cookie === ''")
    assert page.session.getSync() is None


def test_a_page_logs_out_of_a_session_that_was_revoked(page, logged_in, revoke):
    revoke(logged_in)
    assert refused(page.session.revoke) == GONE
    assert page.cookies == {}


def test_a_page_drops_a_session_that_never_was(page):
    page.session.updateSession(session_token="no session token", session_jwt="no JWT")
    assert page.cookies.keys() == {SESSION, JWT}
    assert refused(page.session.authenticate) == GONE
    assert page.cookies == {}


def test_other_calls_than_those_of_the_session_drop_nothing(page, logged_in, revoke):
    revoke(logged_in)
    whoami = page.self.get if page.client == "b2b" else page.user.get
    assert refused(whoami) == GONE
    assert page.cookies.keys() == {SESSION, JWT}


def test_a_dead_session_does_not_stand_in_the_way_of_a_login(b2b, new, server):
    person = new()
    old = log_in(b2b, person)["session_token"]
    server.sessions.revoke(session_token=old)
    done = log_in(b2b, person)
    assert b2b.sent()[-1].startswith("POST /sdk/v1/b2b/passwords/authenticate pub:sess ")
    assert done["session_token"] != old
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}


def test_another_member_who_logs_in_and_owes_a_factor_ends_the_session_at_the_page(b2b, new):
    log_in(b2b, new())
    login = log_in(b2b, new(enrolled=True, mfa_enrolled=True))
    assert b2b.cookies == {IST: login["intermediate_session_token"]}
    assert b2b.session.getSync() is None


def test_a_login_that_took_ten_minutes_begins_anew(b2b, new, server_clock):
    person = new(enrolled=True, mfa_enrolled=True)
    log_in(b2b, person)
    server_clock.advance(10 * 60)
    assert refused(verify, b2b, person) == (404, "intermediate_session_not_found")
    log_in(b2b, person)
    server_clock.advance(STEP)
    verify(b2b, person)
    assert b2b.cookies.keys() == {SESSION, JWT}
