"""A host's own views in Django REST framework that ask for a second factor, behind the middleware and without it."""

import json
import re

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from example_project import urls
from stytch_totp import errors
from stytch_totp.api.permissions import IsMFAVerified, StepUp
from stytch_totp.core.factors import factor
from stytch_totp.operations.assurance import NOBODY, Assurance
from tests.api.helpers import ENVELOPE
from tests.clock import CLOCK
from tests.factories import OrganizationFactory
from tests.web.visitors import Visitor, not_enrolled, password_only, stale, verified

URL = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"


class Guarded(APIView):
    authentication_classes = [SessionAuthentication]

    def get(self, request, **_):
        return Response({"reached": True})

    post = put = delete = get


def guarded(*permissions):
    return Guarded.as_view(permission_classes=list(permissions))


urlpatterns = [
    path("open/", guarded()),
    path("verified/", guarded(IsMFAVerified)),
    path("step-up/", guarded(StepUp)),
    path("within/", guarded(StepUp.within(60))),
    path("both/", guarded(IsAuthenticated, IsMFAVerified)),
    path("within-or-nothing/", guarded(IsAuthenticated & StepUp.within(60))),
    *urls.urlpatterns,
]


def call(permission, mfa, method="get"):
    """A view's answer to a request of which so much is known."""
    request = getattr(APIRequestFactory(), method)("/")
    request.mfa = mfa
    if mfa.user:
        force_authenticate(request, mfa.user)
    return guarded(permission)(request).render()


USER, OTHER = User(pk=1), User(pk=2)


def known(*, enrolled=True, user=USER, **ages):
    shown = [factor(kind, None, int(CLOCK()) - age) for kind, age in ages.items()]
    return Assurance(user, shown, enrolled=enrolled)


TABLE = [
    (NOBODY, 0, "user_unauthenticated"),
    (known(enrolled=False, password=0), 0, "mfa_enrollment_required"),
    (known(password=0), 0, "mfa_required"),
    (known(password=0, totp=0), None, None),
    (known(password=0, recovery_codes=0), None, None),
    (known(password=999, totp=600), 600, None),
    (known(password=999, totp=601), 600, "step_up_required"),
    (Assurance(USER, trouble=errors.NotAMember), 0, "not_a_member"),
    (Assurance(USER, trouble=errors.OrganizationNotChosen), 0, "organization_not_chosen"),
]


@pytest.mark.parametrize(("mfa", "_age", "word"), TABLE)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete"])
def test_a_recent_factor_is_asked_for_by_step_up(mfa, _age, word, method):
    response = call(StepUp, mfa, method)
    assert response.status_code == (200 if word is None else 401 if word == "user_unauthenticated" else 403)
    assert response.data.get("error_type") == word
    assert ("reached" in response.data) is (word is None)


@pytest.mark.parametrize(("mfa", "age", "word"), TABLE)
def test_without_step_up_the_age_does_not_matter(mfa, age, word):
    word = None if age == 600 else word
    assert call(IsMFAVerified, mfa).data.get("error_type") == word


@pytest.mark.parametrize(
    ("permission", "configured", "age", "enough"),
    [
        (StepUp, {}, 600, True),
        (StepUp, {}, 601, False),
        (StepUp, {"STEP_UP_MINUTES": 1}, 60, True),
        (StepUp, {"STEP_UP_MINUTES": 1}, 61, False),
        (StepUp, {"STEP_UP_MINUTES": 0}, 10**8, True),
        (StepUp.within(60), {}, 60, True),
        (StepUp.within(60), {}, 61, False),
        (StepUp.within(1), {}, 1, True),
        (StepUp.within(1), {"STEP_UP_MINUTES": 0}, 2, False),
        (IsMFAVerified, {}, 10**8, True),
    ],
    ids=str,
)
def test_an_age_is_exact_to_the_second(configure, permission, configured, age, enough):
    configure(**configured)
    assert call(permission, known(totp=age)).status_code == (200 if enough else 403)


def test_where_step_up_asks_for_no_age_it_still_asks_for_a_factor(configure):
    configure(STEP_UP_MINUTES=0)
    response = call(StepUp, known(password=0))
    assert response.data["error_type"] == "mfa_required"
    assert "max_age" not in response["WWW-Authenticate"]


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_age_that_no_factor_could_have_is_refused_where_it_is_written(seconds):
    """As ``web.decorators.step_up`` does."""
    with pytest.raises(ValueError, match="1 or more"):
        StepUp.within(seconds)


@pytest.mark.parametrize("seconds", [1_800_000_000, 10**12])
def test_an_age_of_more_than_all_time_lets_nobody_in_who_has_shown_nothing(seconds):
    assert call(StepUp.within(seconds), known(password=0)).status_code == 403


def test_one_age_changes_no_other():
    short, long = StepUp.within(1), StepUp.within(1000)
    assert (call(short, known(totp=2)).status_code, call(long, known(totp=2)).status_code) == (403, 200)
    assert call(StepUp, known(totp=600)).status_code == 200
    assert call(IsMFAVerified, known(totp=10**6)).status_code == 200


@pytest.mark.parametrize(
    ("permission", "mfa", "word", "max_age"),
    [
        (IsMFAVerified, known(password=0), "mfa_required", None),
        (IsMFAVerified, known(enrolled=False), "mfa_enrollment_required", None),
        (StepUp, known(password=0), "mfa_required", 600),
        (StepUp, known(totp=601), "step_up_required", 600),
        (StepUp.within(60), known(totp=61), "step_up_required", 60),
        (StepUp.within(60), known(enrolled=False), "mfa_enrollment_required", 60),
    ],
)
def test_a_refusal_is_the_envelope_and_challenges_as_rfc_9470_says(permission, mfa, word, max_age):
    response = call(permission, mfa)
    body = json.loads(response.content)
    assert (response.status_code, body["status_code"], body["error_type"]) == (403, 403, word)
    assert body.pop("error_details", None) == (None if max_age is None else {"max_age": max_age})
    assert set(body) == ENVELOPE
    scheme, _, rest = response["WWW-Authenticate"].partition(" ")
    given = dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))
    assert (scheme, given.pop("error_description")) == ("Bearer", body["error_message"])
    age = {} if max_age is None else {"max_age": str(max_age)}
    assert given == {"error": "insufficient_user_authentication", "acr_values": URL} | age


@pytest.mark.parametrize("mfa", [NOBODY, Assurance(USER, trouble=errors.NotAMember)], ids=["anonymous", "trouble"])
def test_what_no_factor_would_lift_challenges_for_none(mfa):
    assert call(IsMFAVerified, mfa)["WWW-Authenticate"] == "Bearer"


def test_each_refusal_has_a_request_id_of_its_own():
    ids = {call(IsMFAVerified, NOBODY).data["request_id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"request-id-test-[0-9a-f-]{36}", one) for one in ids)


@pytest.mark.parametrize("permission", [IsMFAVerified, StepUp, StepUp.within(60)], ids=lambda one: one.__name__)
def test_without_the_middleware_a_view_says_so_instead_of_guarding_nothing(permission):
    with pytest.raises(ImproperlyConfigured, match="MFAMiddleware"):
        guarded(permission)(APIRequestFactory().get("/"))


@pytest.mark.parametrize("user", [OTHER, None], ids=["somebody else", "nobody"])
def test_what_one_person_has_shown_says_nothing_of_another(user):
    """A browser's session is verified, and the request came with a token of somebody else's."""
    request = APIRequestFactory().get("/")
    request.mfa = known(totp=0)
    if user:
        force_authenticate(request, user)
    for permission in (IsMFAVerified, StepUp):
        assert guarded(permission)(request).data["error_type"] == "user_unauthenticated"


# Behind the middleware


@pytest.fixture
def acme(settings, db):
    settings.ROOT_URLCONF = __name__
    return OrganizationFactory.create(mfa_policy="REQUIRED_FOR_ALL")


PATHS = ["/verified/", "/step-up/", "/within/", "/both/", "/within-or-nothing/"]
STATES = {
    "anonymous": (lambda _: Visitor(), (401, 403), (401, 403)),
    "not enrolled": (not_enrolled, (403,), (403,)),
    "password only": (password_only, (403,), (403,)),
    "verified": (verified, (200,), (200,)),
    "stale": (stale, (200,), (403,)),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("policy", ["REQUIRED_FOR_ALL", "OPTIONAL"])
def test_a_visitors_session_is_judged_as_the_view_asks(acme, policy, state):
    acme.mfa_policy = policy
    acme.save()
    make, ever, lately = STATES[state]
    made = make(acme)
    for address in PATHS:
        for method in ("get", "post", "put", "delete"):
            response = getattr(made.client, method)(address, headers={"Accept": "application/json"})
            assert response.status_code in (lately if "step-up" in address or "within" in address else ever), address
            assert ("reached" in response.json()) is (response.status_code == 200)


def test_mw01_a_view_of_rest_framework_without_permissions_owes_the_organizations_policy(acme):
    """REST framework marks each of its views as one that needs no login; that is not one that needs no factor."""
    for make, status in ((not_enrolled, 403), (password_only, 403), (verified, 200)):
        response = make(acme).client.get("/open/", headers={"Accept": "application/json"})
        assert response.status_code == status
        assert ("reached" in response.json()) is (status == 200)
