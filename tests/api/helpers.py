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

import jwt
import pyotp
from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse

from tests.clock import CLOCK
from tests.conftest import API, basic
from tests.factories import code_of

PASSWORD = "correct horse battery staple"
PROJECT = settings.STYTCH_TOTP["PROJECT_ID"]
SESSION_CLAIM = "https://stytch.com/session"
ORGANIZATION_CLAIM = "https://stytch.com/organization"
ENVELOPE = {"status_code", "request_id", "error_type", "error_message", "error_url"}
COMMON = {"status_code", "request_id"}
#: A User's session, and what stands for none.
SESSION = {
    *("session_id", "user_id", "started_at", "last_accessed_at", "expires_at", "attributes", "authentication_factors"),
    *("roles", "custom_claims"),
}
NO_SESSION = {"session": None, "session_token": "", "session_jwt": ""}
ERROR_URL = "https://stytch.com/docs/(b2b/)?api/errors/{status_code}#{error_type}"
TOTP = "/v1/b2b/totp"
TOTP_AUTHENTICATE = "/v1/b2b/totp/authenticate"
RECOVER = "/v1/b2b/recovery_codes/recover"
SESSIONS = "/v1/b2b/sessions"
ORGANIZATIONS = "/v1/b2b/organizations"
DISCOVERY = "/v1/b2b/discovery"
USERS = "/v1/users"
TOTPS = "/v1/totps"
USER_SESSIONS = "/v1/sessions"
USER_PASSWORDS = "/v1/passwords"
SDK = "/sdk/v1"
MEMBER_SESSION_HEADERS = ("X-Stytch-Member-Session", "X-Stytch-Member-SessionJWT")

_numbers = count()


# Pages


class Page(API):
    """A page in a browser: it has a public token, an origin and, once somebody is logged in, a session token.

    ``path`` is the whole one, ``/sdk/v1/…``. ``origin`` "" sends none; headers of a call come before both.
    """

    def __init__(self, session_token: str = "", *, origin: str | None = None) -> None:
        super().__init__()
        given = settings.STYTCH_TOTP
        public_token = given["PUBLIC_TOKENS"][0]
        # A page without a session sends its public token twice (contract 3.2).
        self.authorization = basic(public_token, session_token or public_token)
        self.origin = given["ALLOWED_ORIGINS"][0] if origin is None else origin
        self.session_token = session_token

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        named = {"Origin": self.origin} if self.origin else {}
        return super().__call__(method, path, body, **{**named, **headers})


def data(response: HttpResponse) -> dict[str, Any]:
    """What a successful answer to a page has in its envelope."""
    body = response.json()
    assert (response.status_code, set(body)) == (200, {"data"}), body
    inner = body["data"]
    assert inner["status_code"] == 200
    assert re.fullmatch(r"request-id-(test|live)-[0-9a-f-]{36}", inner["request_id"])
    return inner


# Answers


def ok(response: HttpResponse) -> dict[str, Any]:
    body = response.json()
    assert response.status_code == 200, body
    assert body["status_code"] == 200
    assert re.fullmatch(r"request-id-(test|live)-[0-9a-f-]{36}", body["request_id"])
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


# JWTs


def key_set(api: API) -> dict[str, Any]:
    return {key["kid"]: key for key in api.client.get(f"{SESSIONS}/jwks/{PROJECT}").json()["keys"]}


def read_jwt(api: API, token: str) -> dict[str, Any]:
    """The claims of a JWT, verified as Stytch's SDKs verify them, but by the test's clock."""
    header = jwt.get_unverified_header(token)
    assert header["alg"] == "RS256"
    key = jwt.PyJWK(key_set(api)[header["kid"]]).key
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=PROJECT,
        issuer=f"stytch.com/{PROJECT}",
        options={"require": ["aud", "iss", "exp", "iat", "nbf"], "verify_exp": False, "verify_nbf": False}
        | {"verify_iat": False},
    )
    assert claims["nbf"] <= CLOCK() < claims["exp"]
    return claims


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


@dataclass(frozen=True)
class User:
    user_id: str
    email: str
    secret: str = ""
    codes: tuple[str, ...] = ()
    totp_id: str = ""

    @property
    def path(self) -> str:
        return f"{USERS}/{self.user_id}"


def make_user(api: API, *, totp: bool = True, **fields: Any) -> User:
    """A consumer with a password and, unless told otherwise, an active TOTP. The code's step is spent: time moves."""
    email = fields.pop("email", f"user{next(_numbers)}@example.com")
    made = ok(api("POST", USER_PASSWORDS, {"email": email, "password": PASSWORD}))
    user = User(made["user_id"], email)
    if fields:
        ok(api("PUT", user.path, fields))
    return activate(api, pending_totp(api, user)) if totp else user


def pending_totp(api: API, user: User, **fields: Any) -> User:
    made = ok(api("POST", TOTPS, {"user_id": user.user_id, **fields}))
    return replace(user, secret=made["secret"], codes=tuple(made["recovery_codes"]), totp_id=made["totp_id"])


def activate(api: API, user: User) -> User:
    ok(user_code(api, user))
    CLOCK.advance(30)
    return user


def user_code(api: API, user: User, code: Any = None, **fields: Any) -> HttpResponse:
    """``totps/authenticate``, with the right code unless another is given."""
    code = code_of(user.secret) if code is None else code
    return api("POST", f"{TOTPS}/authenticate", {"user_id": user.user_id, "totp_code": code, **fields})


def user_login(api: API, user: User, password: str = PASSWORD, **fields: Any) -> HttpResponse:
    return api("POST", f"{USER_PASSWORDS}/authenticate", {"email": user.email, "password": password, **fields})


def user_session(api: API, user: User, **fields: Any) -> dict[str, Any]:
    """Log in with password and, who has one, TOTP: the answer with the session. Time moves on."""
    begun = ok(user_login(api, user, session_duration_minutes=60, **fields))
    if not user.secret:
        return begun
    done = ok(user_code(api, user, session_token=begun["session_token"]))
    CLOCK.advance(30)
    return done


def show_user(api: API, user: User) -> dict[str, Any]:
    shown = ok(api("GET", user.path))
    return {name: value for name, value in shown.items() if name not in COMMON}


def discover(api: API, person: Person, password: str = PASSWORD) -> HttpResponse:
    """A login by discovery: e-mail address and password, and no organization."""
    return api(
        "POST", "/v1/b2b/passwords/discovery/authenticate", {"email_address": person.email, "password": password}
    )


# Routes


@dataclass(frozen=True)
class Route:
    """A route of the contract with a call that succeeds: ``{name}`` is filled from a World.

    ``others`` are the fields that the call doesn't need; a dotted name reaches into ``body``. ``session`` is the name
    of the World's session token that a page has, if the call is a page's and needs one.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    session: str = ""

    @property
    def is_page(self) -> bool:
        return self.path.startswith(SDK)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def fields(self) -> tuple[str, ...]:
        return (*(self.body or ()), *self.others)


@dataclass(frozen=True)
class World:
    """An organization that requires MFA with a member who has a TOTP, one who has none and an administrator; another
    with the first of them; a User with a TOTP and one without; and their credentials.
    """

    person: Person
    fresh: Person
    admin: Person
    user: User
    fresh_user: User
    values: Mapping[str, str]

    def request(self, api: API, route: Route, **headers: str) -> HttpResponse:
        return send(api, route, self.values, **headers)


def make_world(api: API) -> World:
    person = make_person(api, name="Person", external_id=f"person-{next(_numbers)}")
    fresh = make_person(api, person.organization_id, totp=False)
    gone = make_person(api, person.organization_id, totp=False)
    admin = make_person(api, person.organization_id, roles=["stytch_admin"])
    ok(api("DELETE", gone.member_path))
    elsewhere = make_person(api, totp=False, email_address=person.email)
    user, fresh_user = make_user(api, external_id=f"user-{next(_numbers)}"), make_user(api, totp=False)
    session, admins, users = complete(api, person), complete(api, admin), user_session(api, user)
    return World(
        person,
        fresh,
        admin,
        user,
        fresh_user,
        {
            "organization_id": person.organization_id,
            "slug": session["organization"]["organization_slug"],
            "other_id": elsewhere.organization_id,
            "member_id": person.member_id,
            "email": person.email,
            "fresh_id": fresh.member_id,
            "fresh_ist": intermediate(api, fresh),
            "gone_id": gone.member_id,
            "session_token": session["session_token"],
            "session_jwt": session["session_jwt"],
            "session_id": session["member_session"]["member_session_id"],
            "ist": intermediate(api, person),
            "discovery_ist": ok(discover(api, person))["intermediate_session_token"],
            "code": code_of(person.secret),
            "recovery_code": person.codes[0],
            "secret": pyotp.random_base32(),
            "password": PASSWORD,
            "hash": pbkdf2(PASSWORD)["hash"],
            "salt": pbkdf2(PASSWORD)["pbkdf_2_config"]["salt"],
            "project_id": PROJECT,
            "public_token": settings.STYTCH_TOTP["PUBLIC_TOKENS"][0],
            "user_id": user.user_id,
            "user_email": user.email,
            "fresh_user_id": fresh_user.user_id,
            "totp_id": user.totp_id,
            "user_session_token": users["session_token"],
            "user_session_jwt": users["session_jwt"],
            "user_session_id": users["session"]["session_id"],
            "user_code": code_of(user.secret),
            "user_recovery_code": user.codes[0],
            # Who has a page, by the word in tests/api/pages.py.
            "member": session["session_token"],
            "admin": admins["session_token"],
            "user": users["session_token"],
            "fresh user": user_session(api, fresh_user)["session_token"],
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
    return caller_of(api, route, values)(route.method, path, fill(route.body, values), **headers)


def caller_of(api: API, route: Route, values: Mapping[str, str]) -> API:
    """Who calls the route: the back end ``api``, or the page with its session."""
    return Page(values.get(route.session, "")) if route.is_page else api


def succeeded(route: Route, response: HttpResponse) -> dict[str, Any]:
    return data(response) if route.is_page else ok(response)


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

MEMBER_ROUTES = (
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
    Route(
        "POST",
        "/v1/b2b/passwords/discovery/authenticate",
        {"email_address": "{email}", "password": "{password}"},
    ),
    Route(
        "POST",
        f"{SESSIONS}/exchange",
        {"organization_id": "{organization_id}", "session_token": "{session_token}"},
        others=("session_jwt", *_WISHES, "locale"),
    ),
    Route(
        "POST",
        f"{DISCOVERY}/organizations",
        {"intermediate_session_token": "{discovery_ist}"},
        others=_CREDENTIALS,
    ),
    Route(
        "POST",
        f"{DISCOVERY}/organizations/create",
        {"intermediate_session_token": "{discovery_ist}"},
        others=(*_WISHES, "organization_name", *_ORGANIZATION_FIELDS),
    ),
    Route(
        "POST",
        f"{DISCOVERY}/intermediate_sessions/exchange",
        {"organization_id": "{organization_id}", "intermediate_session_token": "{discovery_ist}"},
        others=(*_WISHES, "locale"),
    ),
    Route("GET", "/v1/b2b/rbac/policy"),
    Route("GET", "/v1/b2b/rbac/organizations/{organization_id}"),
)

_USER = {"user_id": "{user_id}"}
_PROFILE = ("name", "name.first_name", "trusted_metadata", "untrusted_metadata")
_NAMED = {"name": {"first_name": "Ada"}}
_LOGIN = {"email": "{user_email}", "password": "{password}"}
USER_ROUTES = (
    Route("POST", TOTPS, {"user_id": "{fresh_user_id}"}, others=("expiration_minutes",)),
    Route(
        "POST",
        f"{TOTPS}/authenticate",
        {**_USER, "totp_code": "{user_code}"},
        others=(*_CREDENTIALS, *_WISHES),
    ),
    Route("POST", f"{TOTPS}/recovery_codes", _USER),
    Route(
        "POST",
        f"{TOTPS}/recover",
        {**_USER, "recovery_code": "{user_recovery_code}"},
        others=(*_CREDENTIALS, *_WISHES),
    ),
    Route("GET", USER_SESSIONS, query=_USER),
    Route(
        "POST",
        f"{USER_SESSIONS}/authenticate",
        {"session_token": "{user_session_token}"},
        others=("session_jwt", *_WISHES, "authorization_check"),
    ),
    Route(
        "POST",
        f"{USER_SESSIONS}/revoke",
        {"session_token": "{user_session_token}"},
        others=("session_jwt", "session_id"),
    ),
    Route("GET", USER_SESSIONS + "/jwks/{project_id}"),
    Route(
        "POST",
        USER_PASSWORDS,
        {"email": "made-by-a-test@example.com", "password": "{password}", **_NAMED},
        others=(*_PROFILE, *_WISHES),
    ),
    Route("POST", f"{USER_PASSWORDS}/authenticate", _LOGIN, others=(*_CREDENTIALS, *_WISHES)),
    Route(
        "POST",
        f"{USER_PASSWORDS}/migrate",
        {"email": "{user_email}", **{name: _MIGRATION[name] for name in ("hash", "hash_type", "pbkdf_2_config")}},
        others=("phone_number", "set_email_verified", "set_phone_number_verified", "external_id", "roles", "name"),
    ),
    Route("POST", f"{USER_PASSWORDS}/strength_check", {"password": "{password}"}, others=("email",)),
    Route(
        "POST",
        USERS,
        {"email": "made-by-a-test@example.com", **_NAMED},
        others=(*_PROFILE, "phone_number", "create_user_as_pending", "external_id", "roles", "attributes"),
    ),
    Route("POST", f"{USERS}/search", {}, others=("cursor", "limit", "query")),
    Route("DELETE", USERS + "/totps/{totp_id}"),
    Route("GET", USERS + "/{user_id}"),
    Route("PUT", USERS + "/{user_id}", _NAMED, others=(*_PROFILE, "external_id", "roles", "attributes")),
    Route("DELETE", USERS + "/{user_id}"),
    Route("DELETE", USERS + "/{user_id}/external_id"),
    Route("GET", "/v1/rbac/policy"),
)
#: What a back end is served.
ROUTES = (*MEMBER_ROUTES, *USER_ROUTES)

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
USER_FILTERS: Mapping[str, Any] = {
    "created_at_greater_than": "2020-01-01T00:00:00Z",
    "created_at_less_than": "2040-01-01T00:00:00Z",
    "created_at_between": {"greater_than": "2020-01-01T00:00:00Z", "less_than": "2040-01-01T00:00:00Z"},
    "status": "active",
    "oauth_provider": ["google"],
    "user_id": ["{user_id}"],
    "full_name_fuzzy": "Ada",
    "phone_number": ["+15005550006"],
    "phone_id": ["phone-number-test-11111111-1111-4111-8111-111111111111"],
    "phone_verified": False,
    "phone_number_fuzzy": "5550",
    "email_address": ["{user_email}"],
    "email_id": ["email-test-11111111-1111-4111-8111-111111111111"],
    "email_verified": False,
    "email_address_fuzzy": "user",
    "webauthn_registration_verified": False,
    "webauthn_registration_id": ["x"],
    "crypto_wallet_id": ["x"],
    "crypto_wallet_address": ["x"],
    "crypto_wallet_verified": False,
    "totp_id": ["{totp_id}"],
    "totp_verified": True,
    "password_exists": True,
}


def where(**filters: Any) -> dict[str, Any]:
    """A query of a search body; ``operator`` is AND unless named."""
    operator = filters.pop("operator", "AND")
    operands = [{"filter_name": name, "filter_value": value} for name, value in filters.items()]
    return {"operator": operator, "operands": operands}


def unknown(kind: str) -> str:
    """A well-formed id of nobody."""
    return f"{kind}-test-{uuid4()}"
