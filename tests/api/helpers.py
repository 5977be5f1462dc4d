"""Situations that are made over HTTP, the routes of the contract with a valid call of each, and what a refusal is."""

import base64
import copy
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import uuid4

import pyotp
from django.apps import apps
from django.db import transaction
from django.http import HttpResponse

from tests.clock import CLOCK
from tests.conftest import API
from tests.factories import code_of

PASSWORD = "correct horse battery staple"
ENVELOPE = {"status_code", "request_id", "error_type", "error_message", "error_url"}
COMMON = {"status_code", "request_id"}
ERROR_URL = "https://stytch.com/docs/(b2b/)?api/errors/{status_code}#{error_type}"
TOTP = "/v1/b2b/totp"
TOTP_AUTHENTICATE = "/v1/b2b/totp/authenticate"
RECOVER = "/v1/b2b/recovery_codes/recover"
SESSIONS = "/v1/b2b/sessions"
ORGANIZATIONS = "/v1/b2b/organizations"
MEMBER_SESSION_HEADERS = ("X-Stytch-Member-Session", "X-Stytch-Member-SessionJWT")

_numbers = count()


# Answers


def ok(response: HttpResponse) -> dict[str, Any]:
    body = response.json()
    assert response.status_code == 200, body
    assert body["status_code"] == 200
    assert re.fullmatch(r"request-id-test-[0-9a-f-]{36}", body["request_id"])
    return body


def refused(response: HttpResponse, status: int, error_type: str) -> dict[str, Any]:
    assert fault(response) == ""
    body = response.json()
    assert (response.status_code, body.get("error_type")) == (status, error_type), body
    return body


def fault(response: HttpResponse, *statuses: int) -> str:
    """What is wrong with an answer: "" for a 200 and for a refusal in the envelope with one of ``statuses``.

    Without ``statuses`` any refusal will do that isn't a failure of ours.
    """
    status, declared = response.status_code, response.headers["Content-Type"]
    if declared != "application/json" or status not in (statuses or range(200, 500)):
        return f"{status} {declared} {response.content[:200]!r}"
    return "" if status == 200 else _envelope_fault(response.json(), status)


def _envelope_fault(body: dict[str, Any], status: int) -> str:
    texts = [body.get(name) for name in ENVELOPE - {"status_code"}]
    if set(body) != ENVELOPE or body["status_code"] != status or not all(isinstance(one, str) and one for one in texts):
        return f"{status} is not the envelope: {body}"
    url = ERROR_URL.format(**body).replace(".", r"\.")
    return "" if re.fullmatch(url, body["error_url"]) else f"{status} error_url {body['error_url']}"


def not_refused(
    call: Callable[[Any], HttpResponse], values: Iterable[Any], status: int, error_type: str
) -> list[tuple[Any, Any]]:
    """Of many values those that ``call`` doesn't refuse with this status and type."""
    found = []
    for value in values:
        answer = call(value)
        wrong = fault(answer, status)
        if wrong or (answer.status_code, answer.json().get("error_type")) != (status, error_type):
            found.append((value, wrong or answer.json()))
    return found


def but_request_id(response: HttpResponse) -> bytes:
    """The body's bytes with the request id, the only thing in them that may vary, taken out."""
    return response.content.replace(response.json()["request_id"].encode(), b"")


# Rows


def rows() -> dict[str, list[Any]]:
    """Every row of the package's tables."""
    return {
        model.__name__: sorted(
            tuple(bytes(value) if isinstance(value, memoryview) else str(value) for value in row)
            for row in model.objects.values_list()
        )
        for model in apps.get_app_config("stytch_totp").get_models()
    }


def rows_hash() -> str:
    return hashlib.sha256(repr(rows()).encode()).hexdigest()


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is taken back, so that a great many calls can start from one situation."""
    # Django 6.1 has another name for it.
    savepoint = getattr(transaction, "savepoint_create", None) or transaction.savepoint
    mark = savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(mark)


# People


@dataclass(frozen=True)
class Person:
    organization_id: str
    member_id: str
    email: str
    secret: str = ""
    codes: tuple[str, ...] = ()

    @property
    def ids(self) -> dict[str, str]:
        return {"organization_id": self.organization_id, "member_id": self.member_id}

    @property
    def member_path(self) -> str:
        return f"{ORGANIZATIONS}/{self.organization_id}/members/{self.member_id}"


def make_organization(api: API, **fields: Any) -> dict[str, Any]:
    given = {"organization_name": f"Company {next(_numbers)}", **fields}
    return ok(api("POST", ORGANIZATIONS, given))["organization"]


def make_person(api: API, organization_id: str = "", *, totp: bool = True, **fields: Any) -> Person:
    """A member with a password and, unless told otherwise, an active TOTP; in an organization that requires MFA."""
    organization_id = organization_id or make_organization(api, mfa_policy="REQUIRED_FOR_ALL")["organization_id"]
    given = {"email_address": f"person{next(_numbers)}@example.com", **fields}
    made = ok(api("POST", f"{ORGANIZATIONS}/{organization_id}/members", given))
    person = Person(organization_id, made["member_id"], given["email_address"])
    set_password(api, person)
    return with_totp(api, person) if totp else person


def with_totp(api: API, person: Person) -> Person:
    secret = pyotp.random_base32()
    done = ok(api("POST", f"{TOTP}/migrate", {**person.ids, "secret": secret, "recovery_codes": []}))
    return replace(person, secret=secret, codes=tuple(done["recovery_codes"]))


def set_password(api: API, person: Person, password: str = PASSWORD) -> dict[str, Any]:
    whose = {"organization_id": person.organization_id, "email_address": person.email}
    return ok(api("POST", "/v1/b2b/passwords/migrate", {**whose, **pbkdf2(password)}))


def pbkdf2(password: str) -> dict[str, Any]:
    salt = b"salt-of-the-tests"
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 10)
    encoded = [base64.b64encode(part).decode() for part in (salt, digest)]
    config = {"salt": encoded[0], "iteration_amount": 10, "algorithm": "sha256"}
    return {"hash": encoded[1], "hash_type": "pbkdf_2", "pbkdf_2_config": config}


def log_in(api: API, person: Person, password: str = PASSWORD, **fields: Any) -> HttpResponse:
    whose = {"organization_id": person.organization_id, "email_address": person.email, "password": password}
    return api("POST", "/v1/b2b/passwords/authenticate", {**whose, **fields})


def intermediate(api: API, person: Person) -> str:
    """The token of a login of ``person`` that owes a second factor."""
    token = ok(log_in(api, person))["intermediate_session_token"]
    assert len(token) == 44
    return token


def complete(api: API, person: Person, **fields: Any) -> dict[str, Any]:
    """Log in with password and code: the answer with the session. The code's step is spent, so time moves on."""
    answer = authenticate(
        api, person, code_of(person.secret), intermediate_session_token=intermediate(api, person), **fields
    )
    CLOCK.advance(30)
    return ok(answer)


def authenticate(api: API, person: Person, code: Any, **fields: Any) -> HttpResponse:
    return api("POST", TOTP_AUTHENTICATE, {**person.ids, "code": code, **fields})


def recover(api: API, person: Person, code: Any, **fields: Any) -> HttpResponse:
    return api("POST", RECOVER, {**person.ids, "recovery_code": code, **fields})


def show_member(api: API, person: Person) -> dict[str, Any]:
    path = f"{ORGANIZATIONS}/{person.organization_id}/member?member_id={person.member_id}"
    return ok(api("GET", path))["member"]


# Routes


@dataclass(frozen=True)
class Route:
    """A route of the contract with a call that succeeds: ``{name}`` is filled from a World.

    ``others`` are the fields that the call doesn't need; a dotted name reaches into ``body``.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def fields(self) -> tuple[str, ...]:
        return (*(self.body or ()), *self.others)


@dataclass(frozen=True)
class World:
    """An organization that requires MFA with a member who has a TOTP and one who has none, and their credentials."""

    person: Person
    fresh: Person
    values: Mapping[str, str]

    def request(self, api: API, route: Route, **headers: str) -> HttpResponse:
        return send(api, route, self.values, **headers)


def make_world(api: API) -> World:
    person = make_person(api, name="Person", external_id=f"person-{next(_numbers)}")
    fresh = make_person(api, person.organization_id, totp=False)
    gone = make_person(api, person.organization_id, totp=False)
    ok(api("DELETE", gone.member_path))
    session = complete(api, person)
    return World(
        person,
        fresh,
        {
            "organization_id": person.organization_id,
            "member_id": person.member_id,
            "email": person.email,
            "fresh_id": fresh.member_id,
            "gone_id": gone.member_id,
            "session_token": session["session_token"],
            "session_jwt": session["session_jwt"],
            "session_id": session["member_session"]["member_session_id"],
            "ist": intermediate(api, person),
            "code": code_of(person.secret),
            "recovery_code": person.codes[0],
            "secret": pyotp.random_base32(),
            "password": PASSWORD,
            "hash": pbkdf2(PASSWORD)["hash"],
            "salt": pbkdf2(PASSWORD)["pbkdf_2_config"]["salt"],
            "project_id": "project-test-11111111-1111-4111-8111-111111111111",
        },
    )


def fill(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return value.format_map(values)
    if isinstance(value, Mapping):
        return {name: fill(inner, values) for name, inner in value.items()}
    return [fill(inner, values) for inner in value] if isinstance(value, list) else value


def send(api: API, route: Route, values: Mapping[str, str], **headers: str) -> HttpResponse:
    query = "&".join(f"{name}={value}" for name, value in fill(route.query, values).items())
    path = fill(route.path, values) + (f"?{query}" if query else "")
    return api(route.method, path, fill(route.body, values), **headers)


def put(body: Mapping[str, Any] | None, dotted: str, value: Any) -> dict[str, Any]:
    """``body`` with another value at a dotted name."""
    changed = copy.deepcopy(dict(body or {}))
    place: Any = changed
    *way, last = [int(part) if part.isdigit() else part for part in dotted.split(".")]
    for part in way:
        place = place[part]
    place[last] = value
    return changed


_SUBJECT = {"organization_id": "{organization_id}", "member_id": "{member_id}"}
_FRESH = {"organization_id": "{organization_id}", "member_id": "{fresh_id}"}
_CREDENTIALS = ("session_token", "session_jwt")
_WISHES = ("session_duration_minutes", "session_custom_claims", "telemetry_id")
_ORGANIZATION = ORGANIZATIONS + "/{organization_id}"
_MEMBER = _ORGANIZATION + "/members/{member_id}"
_ORGANIZATION_FIELDS = (
    "organization_slug",
    "organization_logo_url",
    "trusted_metadata",
    "organization_external_id",
    "mfa_policy",
    "mfa_methods",
    "allowed_mfa_methods",
    "auth_methods",
    "allowed_auth_methods",
    "email_allowed_domains",
    "email_jit_provisioning",
    "email_invites",
    "sso_jit_provisioning",
    "rbac_email_implicit_role_assignments",
    "oauth_tenant_jit_provisioning",
    "allowed_oauth_tenants",
    "claimed_email_domains",
    "first_party_connected_apps_allowed_type",
    "allowed_first_party_connected_apps",
    "third_party_connected_apps_allowed_type",
    "allowed_third_party_connected_apps",
)
_MEMBER_FIELDS = (
    "name",
    "trusted_metadata",
    "untrusted_metadata",
    "is_breakglass",
    "mfa_phone_number",
    "mfa_enrolled",
    "roles",
    "external_id",
)
_MIGRATION = {
    "organization_id": "{organization_id}",
    "email_address": "{email}",
    "hash": "{hash}",
    "hash_type": "pbkdf_2",
    "pbkdf_2_config": {"salt": "{salt}", "iteration_amount": 10, "algorithm": "sha256"},
}

ROUTES = (
    Route(
        "POST",
        TOTP,
        _FRESH,
        others=("expiration_minutes", "intermediate_session_token", *_CREDENTIALS),
    ),
    Route(
        "POST",
        TOTP_AUTHENTICATE,
        {**_SUBJECT, "code": "{code}", "intermediate_session_token": "{ist}"},
        others=(*_CREDENTIALS, *_WISHES, "set_mfa_enrollment", "set_default_mfa"),
    ),
    Route("POST", f"{TOTP}/migrate", {**_FRESH, "secret": "{secret}", "recovery_codes": []}),
    Route(
        "POST",
        RECOVER,
        {**_SUBJECT, "recovery_code": "{recovery_code}", "intermediate_session_token": "{ist}"},
        others=(*_CREDENTIALS, *_WISHES),
    ),
    Route("POST", "/v1/b2b/recovery_codes/rotate", _SUBJECT),
    Route("GET", "/v1/b2b/recovery_codes/{organization_id}/{member_id}"),
    Route("GET", SESSIONS, query=_SUBJECT),
    Route(
        "POST",
        f"{SESSIONS}/authenticate",
        {"session_token": "{session_token}"},
        others=("session_jwt", *_WISHES, "authorization_check"),
    ),
    Route(
        "POST",
        f"{SESSIONS}/revoke",
        {"session_token": "{session_token}"},
        others=("session_jwt", "member_session_id", "member_id"),
    ),
    Route("GET", SESSIONS + "/jwks/{project_id}"),
    Route(
        "POST",
        "/v1/b2b/passwords/authenticate",
        {"organization_id": "{organization_id}", "email_address": "{email}", "password": "{password}"},
        others=("intermediate_session_token", *_CREDENTIALS, *_WISHES, "locale"),
    ),
    Route(
        "POST",
        "/v1/b2b/passwords/migrate",
        _MIGRATION,
        others=(
            "pbkdf_2_config.salt",
            "pbkdf_2_config.iteration_amount",
            "pbkdf_2_config.algorithm",
            "argon_2_config",
            "scrypt_config",
            "set_phone_number_verified",
            *_MEMBER_FIELDS,
        ),
    ),
    Route("POST", "/v1/b2b/passwords/strength_check", {"password": "{password}"}, others=("email_address",)),
    Route("POST", ORGANIZATIONS, {"organization_name": "Made by a test"}, others=_ORGANIZATION_FIELDS),
    Route("POST", f"{ORGANIZATIONS}/search", {}, others=("cursor", "limit", "query")),
    Route(
        "POST",
        f"{ORGANIZATIONS}/members/search",
        {"organization_ids": ["{organization_id}"]},
        others=("organization_ids.0", "cursor", "limit", "query"),
    ),
    Route("GET", ORGANIZATIONS + "/members/dangerously_get/{member_id}", query={"include_deleted": "False"}),
    Route("GET", _ORGANIZATION),
    Route(
        "PUT",
        _ORGANIZATION,
        {},
        others=(
            "organization_name",
            *_ORGANIZATION_FIELDS,
            "sso_default_connection_id",
            "sso_jit_provisioning_allowed_connections",
        ),
    ),
    Route("DELETE", _ORGANIZATION),
    Route("DELETE", _ORGANIZATION + "/external_id"),
    Route("GET", _ORGANIZATION + "/metrics"),
    Route("GET", _ORGANIZATION + "/member", query={"member_id": "{member_id}"}),
    Route(
        "POST",
        _ORGANIZATION + "/members",
        {"email_address": "made-by-a-test@example.com"},
        others=(*_MEMBER_FIELDS, "create_member_as_pending"),
    ),
    Route(
        "PUT",
        _MEMBER,
        {},
        others=(
            *_MEMBER_FIELDS,
            "default_mfa_method",
            "email_address",
            "preserve_existing_sessions",
            "unlink_email",
        ),
    ),
    Route("DELETE", _MEMBER),
    Route("DELETE", _MEMBER + "/external_id"),
    Route("PUT", _ORGANIZATION + "/members/{gone_id}/reactivate", {}),
    Route("DELETE", _MEMBER + "/totp"),
)

ORGANIZATION_FILTERS: Mapping[str, Any] = {
    "organization_ids": ["{organization_id}"],
    "organization_slugs": ["some-slug"],
    "organization_name_fuzzy": "Company",
    "organization_slug_fuzzy": "company",
    "member_emails": ["{email}"],
    "member_email_fuzzy": "person",
    "allowed_domains": ["example.com"],
    "allowed_domain_fuzzy": "example",
    "claimed_email_domains": ["example.com"],
    "has_active_sso_connection": False,
    "sso_connection_id": "none",
}
MEMBER_FILTERS: Mapping[str, Any] = {
    "member_ids": ["{member_id}"],
    "member_emails": ["{email}"],
    "member_email_fuzzy": "person",
    "member_is_breakglass": False,
    "statuses": ["active"],
    "member_mfa_phone_numbers": ["+15005550006"],
    "member_phone_numbers": ["+15005550006"],
    "member_mfa_phone_number_fuzzy": "5550",
    "member_phone_number_fuzzy": "5550",
    "member_password_exists": True,
    "member_roles": ["editor"],
    "member_totp_exists": True,
}


def where(**filters: Any) -> dict[str, Any]:
    """A query of a search body; ``operator`` is AND unless named."""
    operator = filters.pop("operator", "AND")
    operands = [{"filter_name": name, "filter_value": value} for name, value in filters.items()]
    return {"operator": operator, "operands": operands}


def unknown(kind: str) -> str:
    """A well-formed id of nobody."""
    return f"{kind}-test-{uuid4()}"
