"""The checker that every other test here leans on: what it lets pass and what it doesn't."""

import copy
from typing import Any

import pytest

from tests.contract import openapi

UUID = "11111111-1111-4111-8111-111111111111"
STRENGTH = {
    "status_code": 200,
    "request_id": f"request-id-test-{UUID}",
    "valid_password": True,
    "score": 4,
    "breached_password": False,
    "strength_policy": "zxcvbn",
    "breach_detection_on_create": False,
    "luds_feedback": None,
    "zxcvbn_feedback": {"warning": "", "suggestions": []},
}
ERROR = {
    "status_code": 404,
    "request_id": f"request-id-test-{UUID}",
    "error_type": "member_not_found",
    "error_message": "no",
    "error_url": "https://stytch.com/docs/b2b/api/errors/404#member_not_found",
}
SESSION = {
    "member_session_id": f"session-test-{UUID}",
    "member_id": f"member-test-{UUID}",
    "organization_id": f"organization-test-{UUID}",
    "organization_slug": "acme",
    "started_at": "2027-01-15T08:00:00Z",
    "last_accessed_at": "2027-01-15T08:00:00Z",
    "expires_at": "2027-01-15T09:00:00Z",
    "authentication_factors": [{"type": "password", "delivery_method": "knowledge"}],
    "roles": ["stytch_member"],
    "custom_claims": {},
}
SESSIONS = {"status_code": 200, "request_id": f"request-id-test-{UUID}", "member_sessions": [SESSION]}

USER = {
    "user_id": f"user-test-{UUID}",
    "emails": [{"email_id": f"email-test-{UUID}", "email": "ada@example.com", "verified": True}],
    "status": "active",
    "phone_numbers": [],
    "webauthn_registrations": [],
    "providers": [],
    "totps": [{"totp_id": f"totp-test-{UUID}", "verified": False}],
    "crypto_wallets": [],
    "biometric_registrations": [],
    "is_locked": False,
    "roles": ["stytch_user"],
    "name": {"first_name": "", "middle_name": "", "last_name": ""},
    "created_at": "2027-01-15T08:00:00Z",
    "password": None,
    "trusted_metadata": {},
    "untrusted_metadata": {},
    "external_id": None,
    "lock_created_at": None,
    "lock_expires_at": None,
}
FLAT_USER = {"status_code": 200, "request_id": f"request-id-test-{UUID}", **USER}
VERIFIED = {
    "status_code": 200,
    "request_id": f"request-id-test-{UUID}",
    "user_id": f"user-test-{UUID}",
    "totp_id": f"totp-test-{UUID}",
    "user": USER,
    "session": None,
    "session_token": "",
    "session_jwt": "",
}
ROLE = {
    "role_id": "stytch_user",
    "description": "",
    "permissions": [{"resource_id": "stytch.self", "actions": ["*"]}],
}
POLICY = {
    "status_code": 200,
    "request_id": f"request-id-test-{UUID}",
    "policy": {
        "roles": [ROLE],
        "resources": [{"resource_id": "stytch.self", "description": "", "actions": ["delete"]}],
        "scopes": [],
    },
}

MISSING = object()


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """``body`` with the value at a dotted path replaced, or taken away if it is MISSING."""
    result = copy.deepcopy(body)
    *way, last = path.split(".")
    place: Any = result
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return result


def strength(body: Any, *, status: int = 200, content_type: str = "application/json") -> None:
    openapi.check("POST", "/v1/b2b/passwords/strength_check", status, content_type, body)


def sessions(body: Any) -> None:
    openapi.check("GET", "/v1/b2b/sessions", 200, "application/json", body)


def user(body: Any) -> None:
    openapi.check("GET", f"/v1/users/user-test-{UUID}", 200, "application/json", body)


def verified(body: Any) -> None:
    openapi.check("POST", "/v1/totps/authenticate", 200, "application/json", body)


def policy(body: Any) -> None:
    openapi.check("GET", "/v1/rbac/policy", 200, "application/json", body)


def error(body: Any) -> None:
    openapi.check("GET", "/v1/b2b/no/such/route", 404, "application/json; charset=utf-8", body)


@pytest.mark.parametrize(
    ("check", "body"),
    [
        (strength, STRENGTH),
        (strength, changed(STRENGTH, "zxcvbn_feedback", None)),
        (strength, changed(STRENGTH, "luds_feedback", MISSING)),
        (sessions, SESSIONS),
        (sessions, changed(SESSIONS, "member_sessions.0.authentication_factors.0.created_at", None)),
        (user, FLAT_USER),
        (user, changed(FLAT_USER, "name.middle_name", None)),
        (verified, VERIFIED),
        (verified, changed(VERIFIED, "session", MISSING)),
        (policy, POLICY),
        (error, ERROR),
        (error, {**ERROR, "error_details": {"field": "member_id"}}),
    ],
)
def test_what_fits_passes(check, body):
    check(body)


FACTOR = "member_sessions.0.authentication_factors.0"


@pytest.mark.parametrize(
    ("check", "body", "path", "value"),
    [
        (strength, STRENGTH, "score", MISSING),
        (strength, STRENGTH, "score", None),
        (strength, STRENGTH, "score", "4"),
        (strength, STRENGTH, "score", True),
        (strength, STRENGTH, "valid_password", 1),
        (strength, STRENGTH, "request_id", ""),
        (strength, STRENGTH, "status_code", 201),
        (strength, STRENGTH, "zxcvbn_feedback.suggestions", [1]),
        (strength, STRENGTH, "zxcvbn_feedback.warning", MISSING),
        (strength, STRENGTH, "zxcvbn_fedback", {}),
        (sessions, SESSIONS, "member_sessions", {}),
        (sessions, SESSIONS, "member_sessions.0.custom_claims", MISSING),
        (sessions, SESSIONS, "member_sessions.0.expires_at", "2027-01-15 09:00:00"),
        (sessions, SESSIONS, "member_sessions.0.member_session_id", f"member-session-test-{UUID}"),
        (sessions, SESSIONS, f"{FACTOR}.type", "totps"),
        (sessions, SESSIONS, f"{FACTOR}.delivery_method", "app"),
        (sessions, SESSIONS, f"{FACTOR}.authenticator_app_factor", {}),
        (user, FLAT_USER, "user", USER),
        (user, FLAT_USER, "external_id", MISSING),
        (user, FLAT_USER, "name.middle_name", MISSING),
        (user, FLAT_USER, "status", "deleted"),
        (user, FLAT_USER, "totps.0.totp_id", f"member-totp-test-{UUID}"),
        (user, FLAT_USER, "emails.0.email_id", f"member-test-{UUID}"),
        (verified, VERIFIED, "session_token", None),
        (verified, VERIFIED, "session_token", MISSING),
        (verified, VERIFIED, "totp_id", ""),
        (verified, VERIFIED, "__user", USER),
        (policy, POLICY, "policy", None),
        (policy, POLICY, "policy.scopes", MISSING),
        (policy, POLICY, "policy.roles.0.permissions.0.actions", "*"),
        (policy, POLICY, "policy.resources.0.description", MISSING),
        (error, ERROR, "error_type", MISSING),
        (error, ERROR, "error_message", ""),
        (error, ERROR, "status_code", 400),
        (error, ERROR, "error_url", "https://stytch.com/docs/b2b/api/errors/404#session_not_found"),
        (error, ERROR, "request_id", None),
        (error, ERROR, "body", "x"),
    ],
)
def test_what_does_not_fit_fails(check, body, path, value):
    with pytest.raises(openapi.Misfit):
        check(changed(body, path, value))


@pytest.mark.parametrize(
    ("status", "content_type"), [(201, "application/json"), (204, "application/json"), (200, "text/html")]
)
def test_a_success_is_a_200_of_json(status, content_type):
    with pytest.raises(openapi.Misfit):
        strength({**STRENGTH, "status_code": status}, status=status, content_type=content_type)


@pytest.mark.parametrize(
    ("method", "path", "template"),
    [
        ("POST", "/v1/b2b/organizations/search", "/v1/b2b/organizations/search"),
        ("GET", "/v1/b2b/organizations/search", "/v1/b2b/organizations/{organization_id}"),
        ("POST", "/v1/b2b/organizations/members/search", "/v1/b2b/organizations/members/search"),
        ("GET", "/v1/b2b/organizations/o%2F1/member", "/v1/b2b/organizations/{organization_id}/member"),
        ("PUT", "/v1/b2b/organizations/o/members/m", "/v1/b2b/organizations/{organization_id}/members/{member_id}"),
        ("POST", "/v1/users/search", "/v1/users/search"),
        ("GET", "/v1/users/search", "/v1/users/{user_id}"),
        ("DELETE", "/v1/users/totps/t", "/v1/users/totps/{totp_id}"),
    ],
)
def test_a_path_belongs_to_its_most_literal_operation(method, path, template):
    assert openapi.operation(method, path) == template


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", "/v1/b2b/organizations/o"), ("POST", "/v1/b2b/totps/authenticate"), ("POST", "/v1/totp/authenticate")],
)
def test_a_success_of_an_operation_that_the_product_does_not_have_fails(method, path):
    with pytest.raises(openapi.Misfit):
        openapi.check(method, path, 200, "application/json", STRENGTH)
