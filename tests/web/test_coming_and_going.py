"""Every way into a session, or into a request, without the factor that is owed (MW-03)."""

import base64
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.tokens import default_token_generator
from django.test import AsyncClient, Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from stytch_totp.conf import now
from stytch_totp.core.factors import factor
from stytch_totp.models import Organization, Session
from stytch_totp.operations import grants
from tests.factories import ACTOR, code_of
from tests.web.sites import RAN
from tests.web.visitors import PASSWORD, Visitor, log_in, person, verify, visitor

pytestmark = pytest.mark.usefixtures("more_views", "open_to_strangers")
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
READER = "tests.web.sites.Reader"
MFA = "stytch_totp.web.middleware.MFAMiddleware"


def _refused(response: Any, error_type: str = "mfa_required") -> None:
    """Told as a program is, and nothing ran."""
    assert (response.status_code, response.json()["error_type"]) == (403, error_type)
    assert 'error="insufficient_user_authentication"' in response["WWW-Authenticate"]
    assert RAN == []


def _owes(made: Visitor) -> bool:
    """Whether the visitor is led away from a guarded page."""
    return made.led_to() in ("/mfa/verify/", "/mfa/enrol/") and RAN == []


# Sessions


def test_mw03_who_is_let_in_by_a_header_is_asked_to_log_in_before_a_code_is_spent(acme: Organization, settings: Any):
    """There is no session to keep what they show: the page would ask again, and again."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.MIDDLEWARE.insert(settings.MIDDLEWARE.index(MFA), "tests.web.sites.NamedUser")
    made = person(acme, enrolled=True)
    client = Client(headers={"X-User": made.user.username, "Accept": "text/html"})
    assert client.get("/")["Location"].startswith("/mfa/verify/")
    for method in (client.get, client.post):
        answer = method("/mfa/verify/", {"code": code_of(made.secret)})
        assert (answer.status_code, b"Log in again" in answer.content) == (403, True)
    assert not Session.objects.exists()


def test_mw03_a_login_at_the_sites_page_owes_the_factor(acme: Organization):
    made = person(acme, enrolled=True)
    answer = made.client.post("/accounts/login/", {"username": made.user.username, "password": PASSWORD})
    assert answer["Location"] == "/"
    assert _owes(made)
    verify(made.client, made.secret)
    assert not _owes(made)


@pytest.mark.parametrize("enrolled", [True, False])
def test_mw03_a_login_at_the_admins_page_owes_the_factor(acme: Organization, enrolled: bool):
    made = person(acme, enrolled=enrolled, is_staff=True, is_superuser=True)
    form = {"username": made.user.username, "password": PASSWORD, "next": "/admin/auth/user/"}
    assert made.client.post("/admin/login/", form)["Location"] == "/admin/auth/user/"
    place = "verify" if enrolled else "enrol"
    for path in ("/admin/", "/admin/auth/user/", "/admin/password_change/"):
        assert made.get(path)["Location"].startswith(f"/mfa/{place}/")
    assert made.client.post("/admin/auth/user/add/", {"username": "mine"}).status_code == 403
    assert made.get("/admin/login/")["Location"] == "/admin/"  # as for who is logged in
    assert _owes(made)


def test_mw03_who_is_logged_in_by_a_password_reset_owes_the_factor(acme: Organization):
    made = person(acme, enrolled=True)
    uid = urlsafe_base64_encode(force_bytes(made.user.pk))
    form = made.get(f"/again/reset/{uid}/{default_token_generator.make_token(made.user)}/")["Location"]
    word = "a much better password"
    answer = made.client.post(form, {"new_password1": word, "new_password2": word})
    assert (answer.status_code, "_auth_user_id" in made.client.session) == (302, True)
    assert _owes(made)


def test_mw03_a_password_reset_in_a_verified_session_owes_it_anew(acme: Organization):
    made = visitor("verified", acme)
    uid = urlsafe_base64_encode(force_bytes(made.user.pk))
    form = made.get(f"/again/reset/{uid}/{default_token_generator.make_token(made.user)}/")["Location"]
    word = "a much better password"
    made.client.post(form, {"new_password1": word, "new_password2": word})
    assert "_auth_user_id" in made.client.session
    assert _owes(made)


@pytest.mark.parametrize("path", ["/enter/", "/enter/guarded/"])
def test_mw03_whom_a_view_of_the_hosts_logs_in_owes_the_factor(acme: Organization, path: str):
    """A guarded one isn't shown either, since what it shows is a user's."""
    made = person(acme, enrolled=True)
    answer = made.get(f"{path}?as={made.user.username}")
    assert answer.content == (b"entered" if path == "/enter/" else b"")
    assert "_auth_user_id" in made.client.session
    assert _owes(made)


def test_mw03_whom_a_view_logs_in_who_owes_nothing_sees_it(globex: Organization):
    made = person(globex)
    assert made.get(f"/enter/guarded/?as={made.user.username}").content == b"entered"


def test_mw03_whom_an_async_view_logs_in_owes_the_factor(acme: Organization):
    made, client = person(acme, enrolled=True), AsyncClient()
    get: Any = async_to_sync(client.get)
    as_json = {"Accept": "application/json"}
    _refused(get("/enter/guarded/async/", {"as": made.user.username}, headers=as_json))
    assert "_auth_user_id" in client.session
    _refused(get("/inside/", headers=as_json))


def test_mw03_a_view_that_logs_somebody_else_in_leaves_the_mark_behind(acme: Organization):
    owner, other = visitor("verified", acme), person(acme, enrolled=True)
    other.client = owner.client
    assert owner.get(f"/enter/?as={other.user.username}").content == b"entered"
    assert _owes(other)


@pytest.mark.parametrize("after", [AUTHENTICATION, MFA])
def test_mw03_a_remote_user_owes_the_factor(settings: Any, acme: Organization, after: str):
    at = settings.MIDDLEWARE.index(after) + 1
    remote = "django.contrib.auth.middleware.RemoteUserMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], remote, *settings.MIDDLEWARE[at:]]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    made = person(acme, enrolled=True)
    given = {"REMOTE_USER": made.user.username}
    assert made.get("/inside/", **given)["Location"] == "/mfa/verify/?next=%2Finside%2F"
    _refused(made.get("/drf/", "application/json", **given))
    made.client.post("/mfa/verify/", {"code": code_of(made.secret)}, **given)
    assert made.get("/inside/", **given).status_code == 200


# Requests that bring a user along


def _credentials(made: Visitor) -> dict[str, str]:
    basic = base64.b64encode(f"{made.user.username}:{PASSWORD}".encode()).decode()
    return {"basic": f"Basic {basic}", "token": f"Token {made.user.username}"}


DRF = ["/drf/", "/drf/set/", "/drf/function/"]


@pytest.mark.parametrize("path", DRF)
@pytest.mark.parametrize("enrolled", [True, False])
def test_mw03_a_django_session_owes_the_factor_in_rest_framework(acme: Organization, path: str, enrolled: bool):
    made = person(acme, enrolled=enrolled)
    log_in(made.client, made.user)
    _refused(made.get(path, accept="application/json"), "mfa_required" if enrolled else "mfa_enrollment_required")


@pytest.mark.parametrize("path", DRF[:2])
@pytest.mark.parametrize("scheme", ["basic", "token"])
@pytest.mark.parametrize("enrolled", [True, False])
def test_mw03_credentials_of_rest_framework_owe_the_factor(acme: Organization, path: str, scheme: str, enrolled: bool):
    made = person(acme, enrolled=enrolled)
    error_type = "mfa_required" if enrolled else "mfa_enrollment_required"
    for accept in ("application/json", "text/html"):
        headers = {"Authorization": _credentials(made)[scheme], "Accept": accept}
        _refused(Client().get(path, headers=headers), error_type)


@pytest.mark.parametrize("path", DRF)
def test_mw03_basic_authentication_by_default_owes_the_factor(acme: Organization, path: str):
    made = person(acme, enrolled=True)
    _refused(Client().get(path, headers={"Authorization": _credentials(made)["basic"]}))


@pytest.mark.parametrize("scheme", ["basic", "token"])
def test_mw03_who_owes_nothing_comes_in_by_any_credential(globex: Organization, scheme: str):
    made = person(globex)
    answer = Client().get("/drf/", headers={"Authorization": _credentials(made)[scheme]})
    assert (answer.status_code, answer.json()) == (200, {"inside": made.user.username})
    log_in(made.client, made.user)
    assert made.client.get("/drf/").json() == {"inside": made.user.username}


def test_mw03_a_verified_session_comes_in_and_lends_nothing_to_credentials(acme: Organization):
    owner, other = visitor("verified", acme), person(acme, enrolled=True)
    assert owner.client.get("/drf/").json() == {"inside": owner.user.username}
    RAN.clear()
    _refused(owner.client.get("/drf/", headers={"Authorization": _credentials(other)["basic"]}))
    assert owner.client.get("/drf/").status_code == 200


def test_mw03_wrong_credentials_are_rest_frameworks_to_refuse(acme: Organization):
    made = person(acme, enrolled=True)
    made.user.username = "nobody"
    assert Client().get("/drf/", headers={"Authorization": _credentials(made)["basic"]}).status_code == 401


@pytest.mark.parametrize("path", ["/become/", "/become/quietly/"])
@pytest.mark.parametrize("state", ["anonymous", "not_enrolled"])
def test_mw03_a_view_that_sets_its_user_goes_no_further(
    acme: Organization, globex: Organization, path: str, state: str
):
    made, other = visitor(state, globex), person(acme, enrolled=True)
    _refused(made.client.get(path, {"as": other.user.username}))
    assert made.get(f"{path}?as={person(globex).user.username}").status_code == 200


@pytest.mark.parametrize("middleware", ["NamedUser", "NamedUserOfView"])
@pytest.mark.parametrize("after", [AUTHENTICATION, MFA, READER])
def test_mw03_a_middleware_that_sets_the_user_lets_nobody_in(
    settings: Any, acme: Organization, globex: Organization, middleware: str, after: str
):
    """Also where another one has asked for ``request.mfa`` already, of the user who was there before."""
    owing, free, owner = person(acme, enrolled=True), person(globex), visitor("verified", acme)
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, READER] if after == READER else settings.MIDDLEWARE
    at = settings.MIDDLEWARE.index(after) + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], f"tests.web.sites.{middleware}", *settings.MIDDLEWARE[at:]]
    for cookies in ({}, owner.client.cookies):
        client = Client()
        client.cookies.update(cookies)
        for path in ("/inside/", "/drf/"):
            _refused(client.get(path, headers={"X-User": owing.user.username, "Accept": "application/json"}))
        assert client.get("/inside/", headers={"X-User": free.user.username}).status_code == 200
        RAN.clear()


# Sessions of the API


def _bearer(member: Any, *shown: str) -> dict[str, str]:
    """The credentials of a session of the API in which the factors were ``shown``."""
    drawn = grants.draft(member, None, [factor(kind, uuid4(), now()) for kind in shown], actor=ACTOR, minutes=60)
    drawn.write()
    assert drawn.granted
    return {"token": drawn.granted.token, "jwt": drawn.granted.jwt}


@pytest.mark.parametrize("form", ["token", "jwt"])
def test_mw03_a_members_session_comes_in_once_it_is_verified(acme: Organization, form: str):
    made = person(acme, enrolled=True)
    weak, strong = _bearer(made.member, "password"), _bearer(made.member, "password", "totp")
    _refused(Client().get("/drf/", headers={"Authorization": f"Bearer {weak[form]}"}))
    answer = Client().get("/drf/", headers={"Authorization": f"Bearer {strong[form]}"})
    assert (answer.status_code, answer.json()) == (200, {"inside": made.user.username})


@pytest.mark.parametrize("form", ["token", "jwt"])
def test_mw03_a_members_session_of_a_lenient_organization_comes_in(globex: Organization, form: str):
    made = person(globex)
    answer = Client().get("/drf/", headers={"Authorization": f"Bearer {_bearer(made.member, 'password')[form]}"})
    assert answer.json() == {"inside": made.user.username}


def test_mw03_a_weak_members_session_gains_nothing_from_a_verified_visit(acme: Organization):
    owner, other = visitor("verified", acme), person(acme, enrolled=True)
    token = _bearer(other.member, "password")["token"]
    _refused(owner.client.get("/drf/", headers={"Authorization": f"Bearer {token}"}))
