"""Which pages are served: those of the origins that the site allows, by its public token, and on /sdk/v1 alone."""

import pytest

from tests.contract import openapi
from tests.contract.situations import PASSWORD
from tests.e2e.browser import BROWSER_TESTS, IST, Refused, refused
from tests.e2e.people import log_in, verify
from tests.live import PROJECT_ID, PUBLIC_TOKEN, SECRET

pytestmark = BROWSER_TESTS

FETCH = """async ([url, user, password]) => {
    const headers = { Authorization: "Basic " + btoa(user + ":" + password) };
    return fetch(url, { headers }).then((answer) => answer.status, (error) => error.message);
}"""


@pytest.mark.parametrize("client", ["b2b", "consumer"])
def test_a_page_of_an_origin_that_is_not_allowed_gets_nothing(visit, foreign_origin, new, user, client):
    page = visit(client, at=foreign_origin)
    with pytest.raises(Refused) as raised:
        log_in(page, new() if client == "b2b" else user)
    assert raised.value.name == "StytchAPIUnreachableError"
    assert page.cookies == {}


@pytest.mark.parametrize("path", ["b2b/passwords/authenticate", "passwords/authenticate", "b2b/totp", "totps"])
def test_a_call_from_an_origin_that_is_not_allowed_is_refused_without_a_word_of_cors(http, live, foreign_origin, path):
    url, credentials = f"{live.url}/sdk/v1/{path}", (PUBLIC_TOKEN, PUBLIC_TOKEN)
    origin = {"Origin": foreign_origin, "X-SDK-Parent-Host": foreign_origin}
    answer = http.post(url, json={"password": PASSWORD}, headers=origin, auth=credentials)
    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_domain_for_stytch_sdk")
    openapi.check("POST", path, answer.status_code, answer.headers["Content-Type"], answer.json())
    preflight = http.options(url, headers=origin | {"Access-Control-Request-Method": "POST"})
    for refusal in (answer, preflight):
        assert not [name for name in refusal.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize("trick", ["{}.example.org", "{}0", "{}/", "https://127.0.0.1", "http://localhost", "null", ""])
def test_an_origin_that_resembles_an_allowed_one_is_not_allowed(http, live, origin, trick):
    url = f"{live.url}/sdk/v1/b2b/passwords/authenticate"
    answer = http.post(url, json={}, headers={"Origin": trick.format(origin)}, auth=(PUBLIC_TOKEN, PUBLIC_TOKEN))
    assert answer.json()["error_type"] == "bad_domain_for_stytch_sdk"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_login_that_began_on_one_origin_does_not_go_on_on_another(b2b, new, origin, other_origin):
    person = new(enrolled=True, mfa_enrolled=True)
    log_in(b2b, person)
    b2b.visit(other_origin)  # of the same host, so that it has the same cookies
    assert b2b.cookies.keys() == {IST}
    assert refused(verify, b2b, person) == (404, "intermediate_session_not_found")
    b2b.visit(origin)
    verify(b2b, person)


def test_a_page_cannot_use_the_server_api_even_if_it_has_the_secret(b2b, live, new):
    url = f"{live.url}/v1/b2b/organizations/{new().organization_id}"
    assert b2b.tab.evaluate(FETCH, [url, PROJECT_ID, SECRET]) == "Failed to fetch"


def test_the_secret_opens_nothing_where_pages_call(http, live, origin):
    answer = http.get(f"{live.url}/sdk/v1/b2b/organizations/me", headers={"Origin": origin}, auth=(PROJECT_ID, SECRET))
    assert 400 <= answer.status_code < 500


def test_an_unknown_public_token_is_refused_in_words_that_the_page_can_read(visit):
    page = visit("b2b", public_token="public-token-test-00000000-0000-4000-8000-000000000000")
    assert refused(page.self.get) == (404, "public_token_not_found")
