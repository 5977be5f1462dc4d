"""A host's own views in Django REST framework, called with a member's session token or session JWT."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from example_project import urls
from stytch_totp.api.bearers import MemberUser, SessionJWTAuthentication, SessionTokenAuthentication
from stytch_totp.api.permissions import IsMFAVerified, StepUp
from stytch_totp.core import jwt
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, sessions, signing
from stytch_totp.operations.assurance import NOBODY
from tests.clock import CLOCK
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import aged, fresh, session_of, user
from tests.web.visitors import password_only, verified

pytestmark = pytest.mark.django_db

BOTH = [SessionTokenAuthentication, SessionJWTAuthentication]


class Who(APIView):
    """Tells what the view learns of who calls."""

    def get(self, request):
        mfa = getattr(request, "mfa", NOBODY)
        told = {
            "user": str(request.user.pk),
            "authenticated": request.user.is_authenticated,
            "auth": request.auth is mfa,
            "member": mfa.member and str(mfa.member.pk),
            "organization": mfa.organization and mfa.organization.name,
            "amr": mfa.amr,
            "verified": mfa.verified,
        }
        return Response(told)


def who(*permissions, by=BOTH):
    return Who.as_view(authentication_classes=list(by), permission_classes=list(permissions))


urlpatterns = [
    path("open/", who()),
    path("closed/", who(IsAuthenticated)),
    path("token/", who(IsAuthenticated, by=BOTH[:1])),
    path("jwt/", who(IsAuthenticated, by=BOTH[1:])),
    path("verified/", who(IsMFAVerified)),
    path("step-up/", who(StepUp.within(60))),
    path("mixed/", who(IsAuthenticated, by=[*BOTH, SessionAuthentication])),
    path("session-first/", who(IsMFAVerified, by=[SessionAuthentication, *BOTH])),
    *urls.urlpatterns,
]
WITHOUT = "stytch_totp.web.middleware.MFAMiddleware"


@pytest.fixture(params=["behind the middleware", "without it"], autouse=True)
def _site(request, settings):
    """An API-only host has no middleware of ours, and its views are the same."""
    settings.ROOT_URLCONF = __name__
    if request.param == "without it":
        settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one != WITHOUT]


@pytest.fixture
def ada(organization):
    """A member with a TOTP that a Django user stands behind."""
    account = get_user_model().objects.create_user("ada", "ada@example.com")
    made = make_member(organization=organization, user=account, email="ada@example.com")
    enrol(made)
    return fresh(made)


def by_token(session):
    return session.reveal()


def by_jwt(session):
    return signing.mint(session)


either = pytest.mark.parametrize("spell", [by_token, by_jwt])


def call(client, path, credential=None, **headers):
    if credential is not None:
        headers["Authorization"] = f"Bearer {credential}"
    return client.get(path, headers={"Accept": "application/json", **headers})


def assert_unauthorized(response):
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert b"authenticated" not in json.dumps(sorted(response.json())).encode()


@either
def test_a_members_session_lets_them_in_and_says_what_was_shown(client, ada, spell):
    response = call(client, "/verified/", spell(session_of(ada, "password", "totp")))
    assert response.json() == {
        "user": str(ada.user.pk),
        "authenticated": True,
        "auth": True,
        "member": str(ada.pk),
        "organization": ada.organization.name,
        "amr": ["mfa", "otp", "pwd"],
        "verified": True,
    }


@either
def test_a_member_without_a_django_user_is_a_user_by_their_public_id(client, member, spell):
    response = call(client, "/closed/", spell(session_of(member, "password")))
    assert (response.status_code, response.json()["user"]) == (200, member.public_id)


def test_a_member_who_is_a_user_has_no_rights_in_django(member):
    found = MemberUser(member)
    assert (found.is_authenticated, found.is_active, found.is_anonymous) == (True, True, False)
    assert (found.is_staff, found.is_superuser) == (False, False)
    assert (found.member, found.pk, found.id, str(found)) == (member, member.public_id, member.public_id, found.pk)


@either
def test_a_users_session_is_as_good(client, spell):
    made = user()
    response = call(client, "/closed/", spell(session_of(made, "password")))
    assert (response.json()["user"], response.json()["organization"]) == (made.public_id, "Users")


@either
@pytest.mark.parametrize(
    ("ages", "address", "word"),
    [
        ({"password": 0}, "/verified/", "mfa_required"),
        ({"password": 0}, "/step-up/", "mfa_required"),
        ({"password": 0, "totp": 999}, "/verified/", None),
        ({"password": 0, "totp": 60}, "/step-up/", None),
        ({"password": 0, "totp": 61}, "/step-up/", "step_up_required"),
        ({"password": 0, "recovery_codes": 60}, "/step-up/", None),
    ],
    ids=str,
)
def test_permissions_go_by_what_the_session_has_shown(ada, spell, ages, address, word):
    response = call(Client(), address, spell(aged(ada, **ages)))
    assert response.status_code == (200 if word is None else 403)
    assert response.json().get("error_type") == word
    if word:
        assert 'error="insufficient_user_authentication"' in response["WWW-Authenticate"]


@either
def test_who_has_nothing_to_show_is_told_to_enrol(client, member, spell):
    response = call(client, "/verified/", spell(session_of(member, "password")))
    assert (response.status_code, response.json()["error_type"]) == (403, "mfa_enrollment_required")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@either
def test_a_scheme_is_compared_without_case(client, ada, spell, scheme):
    header = f"{scheme} {spell(session_of(ada, 'password'))}"
    assert call(client, "/closed/", Authorization=header).status_code == 200


@either
@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic {0}", "Token {0}", "{0}", "bearer\t{0}", "Bearers {0}"]
)
def test_what_is_of_another_scheme_or_shape_is_left_to_others(client, ada, spell, header):
    """And is nobody's here."""
    value = header.format(spell(session_of(ada, "password")))
    assert call(client, "/open/", Authorization=value).json()["authenticated"] is False
    assert_unauthorized(call(client, "/closed/", Authorization=value))


@either
@pytest.mark.parametrize("header", ["Bearer  {0}", "Bearer {0} x", "Bearer {0}\u00e9", "Bearer {0},{0}"])
def test_what_is_more_than_a_credential_lets_nobody_in(client, ada, spell, header):
    value = header.format(spell(session_of(ada, "password")))
    assert_unauthorized(call(client, "/closed/", Authorization=value))
    assert call(client, "/open/", Authorization=value).json().get("authenticated", False) is False


@pytest.mark.parametrize("address", ["/closed/", "/verified/", "/step-up/"])
def test_who_shows_nothing_is_told_that_something_must_be_shown(client, address):
    assert_unauthorized(call(client, address))


@either
@pytest.mark.parametrize("address", ["/open/", "/closed/"])
def test_a_credential_that_is_none_is_refused_even_where_nobody_need_be_anybody(client, ada, spell, address):
    good = spell(session_of(ada, "password"))
    for broken in (good[:-1] + ("A" if good[-1] != "A" else "B"), "A" + good[1:] if good[0] != "A" else "B" + good[1:]):
        assert_unauthorized(call(client, address, broken))


@pytest.mark.parametrize("credential", ["A" * 44, "a.b.c", "..", "A" * 20 + "." + "B" * 20 + "." + "C" * 20_000])
def test_a_credential_that_was_never_ours_is_refused(client, credential):
    assert_unauthorized(call(client, "/open/", credential))


def test_each_class_takes_what_is_its_own(client, ada):
    session = session_of(ada, "password")
    statuses = {
        (address, spell): call(client, address, spell(session)).status_code
        for address in ("/token/", "/jwt/")
        for spell in (by_token, by_jwt)
    }
    assert statuses == {
        ("/token/", by_token): 200,
        ("/token/", by_jwt): 401,
        ("/jwt/", by_token): 401,
        ("/jwt/", by_jwt): 200,
    }


def test_se08_a_revoked_token_is_refused_at_once_and_its_jwt_is_believed_for_five_minutes(client, ada):
    session = session_of(ada, "password", "totp")
    token = by_jwt(session)
    sessions.revoke(session, actor=ACTOR)
    assert_unauthorized(call(client, "/closed/", by_token(session)))
    CLOCK.advance(jwt.LIFETIME - 1)
    assert call(client, "/verified/", token).status_code == 200
    CLOCK.advance(1)
    assert_unauthorized(call(client, "/verified/", token))


def test_a_token_is_refused_once_its_session_has_run_out(client, ada):
    session = session_of(ada, "password")
    CLOCK.at = session.expires_at
    assert_unauthorized(call(client, "/closed/", by_token(session)))


@either
def test_a_deleted_member_is_nobody_at_once(client, ada, spell):
    credential = spell(session_of(ada, "password"))
    members.delete(ada, actor=ACTOR)
    assert_unauthorized(call(client, "/closed/", credential))


@either
def test_a_user_who_is_no_longer_active_is_refused_at_once(client, ada, spell):
    credential = spell(session_of(ada, "password", "totp"))
    get_user_model().objects.update(is_active=False)
    for address in ("/open/", "/closed/", "/verified/"):
        assert_unauthorized(call(client, address, credential))


@either
def test_a_policy_counts_at_the_next_request(client, ada, spell):
    Member.objects.update(mfa_enrolled=False)
    credential = spell(session_of(fresh(ada), "password"))
    assert call(client, "/verified/", credential).json()["error_type"] == "mfa_required"
    Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL")
    assert call(client, "/verified/", credential).json()["error_type"] == "mfa_required"


behind = pytest.mark.parametrize("_site", ["behind the middleware"], indirect=True)


@behind
@either
def test_a_bearer_and_a_browsers_session_are_told_apart(ada, spell):
    """The browser is somebody else's and verified; the credential has shown a password alone."""
    other = verified(OrganizationFactory.create())
    response = call(other.client, "/mixed/", spell(session_of(ada, "password")))
    assert (response.json()["user"], response.json()["verified"]) == (str(ada.user.pk), False)
    response = call(other.client, "/verified/", spell(session_of(ada, "password")))
    assert (response.status_code, response.json()["error_type"]) == (403, "mfa_required")


@behind
@either
def test_a_verified_bearer_does_not_verify_the_browser_that_it_came_with(ada, spell):
    other = password_only(OrganizationFactory.create())
    credential = spell(session_of(ada, "password", "totp"))
    assert call(other.client, "/verified/", credential).status_code == 200
    response = call(other.client, "/session-first/", credential)
    assert (response.status_code, response.json()["error_type"]) == (403, "mfa_required")


def test_a_class_that_does_not_know_the_credential_leaves_it_to_the_next(rf):
    request = APIView().initialize_request(rf.get("/", headers={"Authorization": "Token " + "x" * 40}))
    assert [one().authenticate(request) for one in BOTH] == [None, None]
