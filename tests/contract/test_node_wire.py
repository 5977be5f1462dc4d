"""What Node's SDK sends and Python's doesn't (contract 0.2), and what neither can say, over bare HTTP."""

import base64
import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.contract import openapi
from tests.contract.driver import SDK_TESTS
from tests.contract.situations import new_organization, new_person, new_user
from tests.live import PROJECT_ID, SECRET

pytestmark = SDK_TESTS

HEADERS = {
    "Authorization": "Basic " + base64.b64encode(f"{PROJECT_ID}:{SECRET}".encode()).decode(),
    "Content-Type": "application/json",
    "User-Agent": "Stytch Node v14.2.0",
}


@pytest.fixture
def send(live):
    """Send one request as it is given; every answer must be the API's. No redirect is followed."""
    connection = HTTPConnection(urlsplit(live.url).netloc)

    def call(method, path, body=None, headers=HEADERS):
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
        content_type = response.headers.get("Content-Type", "")
        openapi.check(method, path.partition("?")[0], response.status, content_type, answer)
        return response.status, answer

    yield call
    connection.close()


@pytest.fixture
def person(drivers, server_clock):
    """A member with everything that can be taken away."""
    driver = drivers("sync", "b2b")
    organization_id = new_organization(driver)
    driver.organizations.update(organization_id, organization_external_id=f"org|{organization_id[-12:]}")
    return new_person(driver, server_clock, organization_id, enrolled=True, external_id="hr-1")


def error(answer):
    return answer[0], answer[1]["error_type"]


@pytest.mark.parametrize("body", ["{}", "", None])
def test_every_delete_takes_an_empty_object_and_no_body_alike(send, person, body):
    organization, member = f"/v1/b2b/organizations/{person.organization_id}", person.member_id
    status, answer = send("DELETE", f"{organization}/members/{member}/totp", body)
    assert (status, answer["member"]["totp_registration_id"]) == (200, "")
    status, answer = send("DELETE", f"{organization}/members/{member}/external_id", body)
    assert (status, answer["member"]["external_id"]) == (200, None)
    status, answer = send("DELETE", f"{organization}/external_id", body)
    assert (status, answer["organization"]["organization_external_id"]) == (200, None)
    status, answer = send("DELETE", f"{organization}/members/{member}", body)
    assert (status, answer["member_id"]) == (200, member)
    status, answer = send("PUT", f"{organization}/members/{member}/reactivate", body)
    assert (status, answer["member"]["status"]) == (200, "active")
    status, answer = send("DELETE", organization, body)
    assert (status, answer["organization_id"]) == (200, person.organization_id)


@pytest.mark.parametrize("body", ["{}", "", None])
def test_every_delete_of_the_consumer_product_does_so_too(send, drivers, server_clock, body):
    user = new_user(drivers("sync", "consumer"), server_clock, enrolled=True)
    user.sdk.users.update(user.user_id, external_id=f"crm|{user.user_id[-12:]}")
    status, answer = send("DELETE", f"/v1/users/totps/{user.totp_id}", body)
    assert (status, answer["user"]["totps"]) == (200, [])
    status, answer = send("DELETE", f"/v1/users/crm%7C{user.user_id[-12:]}/external_id", body)
    assert (status, answer["user"]["external_id"]) == (200, None)
    status, answer = send("DELETE", f"/v1/users/{user.user_id}", body)
    assert (status, answer["user_id"]) == (200, user.user_id)


def test_a_delete_without_a_content_type_is_a_delete(send, person):
    bare = {"Authorization": HEADERS["Authorization"]}
    path = f"/v1/b2b/organizations/{person.organization_id}/members/{person.member_id}"
    assert send("DELETE", path, headers=bare)[0] == 200


def test_a_get_needs_no_copy_of_its_path_in_the_query(send, person):
    organization, member = person.organization_id, person.member_id
    for path, name in (
        (f"/v1/b2b/organizations/{organization}", "organization"),
        (f"/v1/b2b/organizations/{organization}/metrics", "member_count"),
        (f"/v1/b2b/organizations/{organization}/member?member_id={member}", "member"),
        (f"/v1/b2b/organizations/{organization}/member?email_address=person%40example.com", None),
        (f"/v1/b2b/organizations/members/dangerously_get/{member}", "member"),
        (f"/v1/b2b/recovery_codes/{organization}/{member}", "recovery_codes"),
        (f"/v1/b2b/sessions?organization_id={organization}&member_id={member}", "member_sessions"),
        (f"/v1/b2b/sessions/jwks/{PROJECT_ID}", "keys"),
    ):
        status, answer = send("GET", path)
        assert (status, name in answer) == ((200, True) if name else (404, False)), path


@pytest.mark.parametrize(
    ("written", "status"),
    [("true", 200), ("True", 200), ("TRUE", 200), ("false", 404), ("False", 404), ("", 400), ("1", 400)],
)
def test_a_boolean_in_a_query_is_read_without_case(send, person, written, status):
    person.sdk.organizations.members.delete(**person.ids)
    path = f"/v1/b2b/organizations/members/dangerously_get/{person.member_id}?include_deleted={written}"
    assert send("GET", path)[0] == status


def test_fields_that_nobody_knows_are_ignored(send, person):
    body = json.dumps({"name": "Ada", "member_id": "somebody else", "no_such_field": [{}]})
    path = f"/v1/b2b/organizations/{person.organization_id}/members/{person.member_id}"
    status, answer = send("PUT", path, body)
    assert (status, answer["member"]["name"], answer["member_id"]) == (200, "Ada", person.member_id)


@pytest.mark.parametrize("body", ["", "{}", None])
def test_an_empty_body_is_an_empty_object(send, body):
    assert error(send("POST", "/v1/b2b/organizations", body)) == (400, "organization_name_missing")
    assert error(send("POST", "/v1/b2b/sessions/authenticate", body)) == (400, "no_session_arguments")
    status, answer = send("POST", "/v1/b2b/totp", body)
    assert (status, answer["error_type"]) == (400, "bad_request")
    assert "organization_id" in answer["error_message"]
    assert send("POST", "/v1/b2b/organizations/search", body)[0] == 200
    assert error(send("POST", "/v1/sessions/authenticate", body)) == (400, "no_session_arguments")
    status, answer = send("POST", "/v1/totps", body)
    assert (status, answer["error_type"]) == (400, "bad_request")
    assert "user_id" in answer["error_message"]
    assert send("POST", "/v1/users/search", body)[0] == 200


@pytest.mark.parametrize("number", ["5.0", "5e0", "60.0", "1e3"])
def test_a_number_that_is_not_written_as_an_integer_is_none(send, person, number):
    ids = json.dumps({"organization_id": person.organization_id, "member_id": person.member_id})[1:-1]
    answer = send("POST", "/v1/b2b/totp", f'{{{ids}, "expiration_minutes": {number}}}')
    assert error(answer) == (400, "invalid_expiration")


@pytest.mark.parametrize("body", ["{", "[]", "null", '"x"', "{'a': 1}", '{"a": NaN}', '{"a": 1, "a": 2}', "\x00"])
def test_a_body_that_is_no_json_object_is_refused(send, body):
    assert error(send("POST", "/v1/b2b/totp/authenticate", body)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/b2b/totp/"),
        ("GET", "/v1/b2b/totp"),
        ("PATCH", "/v1/b2b/organizations"),
        ("GET", "/v1/b2b/organizations/search"),
        ("POST", "/v1/b2b/totps"),
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("GET", "/v1/b2b//totp"),
        ("POST", "/v1/totps/"),
        ("GET", "/v1/totps"),
        ("POST", "/v1/totp"),
        ("GET", "/v1/users"),
        ("GET", "/v1/users/"),
        ("PATCH", "/v1/users/x"),
        ("GET", "/v1/users/totps/x"),
        ("POST", "/v1/discovery/organizations"),
    ],
)
def test_what_is_not_served_is_refused_in_json_and_not_redirected(send, method, path):
    assert error(send(method, path, "{}" if method != "GET" else None)) == (404, "route_not_found")


def test_nobody_is_let_in_without_credentials(send):
    no_secret = "Basic " + base64.b64encode(f"{PROJECT_ID}:".encode()).decode()
    for header in ({}, *({"Authorization": value} for value in ("Bearer x", "Basic !", no_secret))):
        for path in ("/v1/b2b/organizations/acme", "/v1/users/ada", "/v1/b2b/rbac/policy", "/v1/rbac/policy"):
            assert error(send("GET", path, headers=header)) == (401, "unauthorized_credentials")
