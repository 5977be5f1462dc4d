"""Every endpoint, once. Mount it at the root of a host name: Stytch's SDKs drop any prefix.

Order matters where a fixed word stands in the place of an id: the word comes first.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.urls import URLPattern, include, path, re_path

from stytch_totp.api.authentication import ProjectAuthentication
from stytch_totp.api.b2b.members import MemberViewSet
from stytch_totp.api.b2b.organizations import OrganizationViewSet
from stytch_totp.api.b2b.passwords import PasswordViewSet
from stytch_totp.api.b2b.sessions import KeySetViewSet, SessionViewSet
from stytch_totp.api.b2b.totp import RecoveryCodeViewSet, TOTPViewSet
from stytch_totp.api.views import NotServed, StytchViewSet

Endpoint = tuple[str, type[StytchViewSet], dict[str, Any]]
_ORGANIZATION = "b2b/organizations/<str:organization_id>"
_MEMBER = _ORGANIZATION + "/members/<str:member_id>"

ENDPOINTS: tuple[Endpoint, ...] = (
    ("b2b/totp", TOTPViewSet, {"post": "create"}),
    ("b2b/totp/authenticate", TOTPViewSet, {"post": "authenticate"}),
    ("b2b/totp/migrate", TOTPViewSet, {"post": "migrate"}),
    ("b2b/recovery_codes/recover", RecoveryCodeViewSet, {"post": "recover"}),
    ("b2b/recovery_codes/rotate", RecoveryCodeViewSet, {"post": "rotate"}),
    ("b2b/recovery_codes/<str:organization_id>/<str:member_id>", RecoveryCodeViewSet, {"get": "retrieve"}),
    ("b2b/sessions", SessionViewSet, {"get": "list"}),
    ("b2b/sessions/authenticate", SessionViewSet, {"post": "authenticate"}),
    ("b2b/sessions/revoke", SessionViewSet, {"post": "revoke"}),
    ("b2b/sessions/jwks/<str:project_id>", KeySetViewSet, {"get": "list"}),
    ("b2b/passwords/authenticate", PasswordViewSet, {"post": "authenticate"}),
    ("b2b/passwords/migrate", PasswordViewSet, {"post": "migrate"}),
    ("b2b/passwords/strength_check", PasswordViewSet, {"post": "strength_check"}),
    ("b2b/organizations", OrganizationViewSet, {"post": "create"}),
    ("b2b/organizations/search", OrganizationViewSet, {"post": "search"}),
    ("b2b/organizations/members/search", MemberViewSet, {"post": "search"}),
    ("b2b/organizations/members/dangerously_get/<str:member_id>", MemberViewSet, {"get": "dangerously_get"}),
    (_ORGANIZATION, OrganizationViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}),
    (_ORGANIZATION + "/external_id", OrganizationViewSet, {"delete": "destroy_external_id"}),
    (_ORGANIZATION + "/metrics", OrganizationViewSet, {"get": "metrics"}),
    (_ORGANIZATION + "/member", MemberViewSet, {"get": "retrieve"}),
    (_ORGANIZATION + "/members", MemberViewSet, {"post": "create"}),
    (_MEMBER, MemberViewSet, {"put": "update", "delete": "destroy"}),
    (_MEMBER + "/external_id", MemberViewSet, {"delete": "destroy_external_id"}),
    (_MEMBER + "/reactivate", MemberViewSet, {"put": "reactivate"}),
    (_MEMBER + "/totp", MemberViewSet, {"delete": "destroy_totp"}),
)
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


def mount(endpoints: Iterable[Endpoint], **caller: Any) -> Iterable[URLPattern]:
    """The endpoints for one kind of caller: ``authentication_classes`` and whatever else ``as_view`` takes."""
    for route, viewset, actions in endpoints:
        options = {} if viewset.authentication_classes == () else caller
        yield path(route, _view(viewset, actions, **options))


def _view(viewset: type[StytchViewSet], actions: dict[str, Any], **options: Any) -> Any:
    # A transaction around the request would roll a paid attempt back with the response that refuses it.
    return transaction.non_atomic_requests(viewset.as_view(dict(actions), **options))


urlpatterns = [
    path("v1/", include(list(mount(ENDPOINTS, authentication_classes=[ProjectAuthentication])))),
    # The rest of what lies below, so that it is answered in JSON and never redirected by APPEND_SLASH.
    re_path(r"^v1(?:/|\Z)", _view(NotServed, dict.fromkeys(_VERBS, "refuse"))),
]
