"""Every endpoint, once, with who may call it. Mount it at the root of a host name: Stytch's SDKs drop any prefix.

Order matters where a fixed word stands in the place of an id: the word comes first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.urls import URLPattern, include, path, re_path

from stytch_totp.api.authentication import ProjectAuthentication, PublicTokenAuthentication
from stytch_totp.api.b2b.discovery import DiscoveryViewSet
from stytch_totp.api.b2b.members import MemberViewSet
from stytch_totp.api.b2b.organizations import OrganizationViewSet
from stytch_totp.api.b2b.passwords import PasswordViewSet
from stytch_totp.api.b2b.sessions import SessionViewSet
from stytch_totp.api.b2b.totp import RecoveryCodeViewSet, TOTPViewSet
from stytch_totp.api.browser import BootstrapViewSet, EventViewSet
from stytch_totp.api.consumer.passwords import PasswordViewSet as UserPasswordViewSet
from stytch_totp.api.consumer.sessions import SessionViewSet as UserSessionViewSet
from stytch_totp.api.consumer.totps import TOTPViewSet as UserTOTPViewSet
from stytch_totp.api.consumer.users import UserViewSet
from stytch_totp.api.keys import KeySetViewSet
from stytch_totp.api.rbac import PolicyViewSet
from stytch_totp.api.renderers import EnvelopeRenderer
from stytch_totp.api.views import NotServed, StytchViewSet
from stytch_totp.exempt import mfa_exempt

BACK_END, PAGE = frozenset({"v1"}), frozenset({"sdk/v1"})
BOTH = BACK_END | PAGE


@dataclass(frozen=True)
class Endpoint:
    """A path below the ``roots`` of those who may call it, and what answers it."""

    roots: frozenset[str]
    route: str
    viewset: type[StytchViewSet]
    actions: dict[str, str]


_ORGANIZATION = "b2b/organizations/<str:organization_id>"
_MEMBER = _ORGANIZATION + "/members/<str:member_id>"

ENDPOINTS: tuple[Endpoint, ...] = (
    # B2B: TOTP and recovery codes
    Endpoint(BOTH, "b2b/totp", TOTPViewSet, {"post": "create"}),
    Endpoint(BOTH, "b2b/totp/authenticate", TOTPViewSet, {"post": "authenticate"}),
    Endpoint(BACK_END, "b2b/totp/migrate", TOTPViewSet, {"post": "migrate"}),
    Endpoint(BOTH, "b2b/recovery_codes/recover", RecoveryCodeViewSet, {"post": "recover"}),
    Endpoint(BOTH, "b2b/recovery_codes/rotate", RecoveryCodeViewSet, {"post": "rotate"}),
    Endpoint(PAGE, "b2b/recovery_codes", RecoveryCodeViewSet, {"get": "retrieve"}),
    Endpoint(
        BACK_END, "b2b/recovery_codes/<str:organization_id>/<str:member_id>", RecoveryCodeViewSet, {"get": "retrieve"}
    ),
    # B2B: sessions, passwords, discovery
    Endpoint(BACK_END, "b2b/sessions", SessionViewSet, {"get": "list"}),
    Endpoint(BOTH, "b2b/sessions/authenticate", SessionViewSet, {"post": "authenticate"}),
    Endpoint(BOTH, "b2b/sessions/exchange", SessionViewSet, {"post": "exchange"}),
    Endpoint(BACK_END, "b2b/sessions/revoke", SessionViewSet, {"post": "revoke"}),
    Endpoint(PAGE, "b2b/sessions/revoke", SessionViewSet, {"post": "revoke_own"}),
    Endpoint(PAGE, "b2b/sessions/revoke/<str:member_id>", SessionViewSet, {"post": "revoke_of_member"}),
    Endpoint(BACK_END, "b2b/sessions/jwks/<str:project_id>", KeySetViewSet, {"get": "list"}),
    Endpoint(BOTH, "b2b/passwords/authenticate", PasswordViewSet, {"post": "authenticate"}),
    Endpoint(BOTH, "b2b/passwords/discovery/authenticate", PasswordViewSet, {"post": "discover"}),
    Endpoint(BACK_END, "b2b/passwords/migrate", PasswordViewSet, {"post": "migrate"}),
    Endpoint(BOTH, "b2b/passwords/strength_check", PasswordViewSet, {"post": "strength_check"}),
    Endpoint(BOTH, "b2b/discovery/organizations", DiscoveryViewSet, {"post": "list"}),
    Endpoint(BOTH, "b2b/discovery/organizations/create", DiscoveryViewSet, {"post": "create"}),
    Endpoint(BOTH, "b2b/discovery/intermediate_sessions/exchange", DiscoveryViewSet, {"post": "exchange"}),
    # B2B: organizations and members, as a page knows them
    Endpoint(PAGE, "b2b/organizations/search", OrganizationViewSet, {"post": "by_slug"}),
    Endpoint(
        PAGE, "b2b/organizations/me", OrganizationViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}
    ),
    Endpoint(PAGE, "b2b/organizations/me/members/search", MemberViewSet, {"post": "search"}),
    Endpoint(PAGE, "b2b/organizations/members", MemberViewSet, {"post": "create"}),
    Endpoint(PAGE, "b2b/organizations/members/me", MemberViewSet, {"get": "retrieve_self"}),
    Endpoint(PAGE, "b2b/organizations/members/update", MemberViewSet, {"put": "update"}),
    Endpoint(PAGE, "b2b/organizations/members/deleteTOTP", MemberViewSet, {"delete": "destroy_totp"}),
    Endpoint(PAGE, "b2b/organizations/members/totp/<str:member_id>", MemberViewSet, {"delete": "destroy_totp"}),
    Endpoint(PAGE, "b2b/organizations/members/<str:member_id>", MemberViewSet, {"put": "update", "delete": "destroy"}),
    Endpoint(PAGE, "b2b/organizations/members/<str:member_id>/reactivate", MemberViewSet, {"put": "reactivate"}),
    # B2B: organizations and members, as a back end knows them
    Endpoint(BACK_END, "b2b/organizations", OrganizationViewSet, {"post": "create"}),
    Endpoint(BACK_END, "b2b/organizations/search", OrganizationViewSet, {"post": "search"}),
    Endpoint(BACK_END, "b2b/organizations/members/search", MemberViewSet, {"post": "search"}),
    Endpoint(
        BACK_END,
        "b2b/organizations/members/dangerously_get/<str:member_id>",
        MemberViewSet,
        {"get": "dangerously_get"},
    ),
    Endpoint(BACK_END, _ORGANIZATION, OrganizationViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}),
    Endpoint(BACK_END, _ORGANIZATION + "/external_id", OrganizationViewSet, {"delete": "destroy_external_id"}),
    Endpoint(BACK_END, _ORGANIZATION + "/metrics", OrganizationViewSet, {"get": "metrics"}),
    Endpoint(BACK_END, _ORGANIZATION + "/member", MemberViewSet, {"get": "retrieve"}),
    Endpoint(BACK_END, _ORGANIZATION + "/members", MemberViewSet, {"post": "create"}),
    Endpoint(BACK_END, _MEMBER, MemberViewSet, {"put": "update", "delete": "destroy"}),
    Endpoint(BACK_END, _MEMBER + "/external_id", MemberViewSet, {"delete": "destroy_external_id"}),
    Endpoint(BACK_END, _MEMBER + "/reactivate", MemberViewSet, {"put": "reactivate"}),
    Endpoint(BACK_END, _MEMBER + "/totp", MemberViewSet, {"delete": "destroy_totp"}),
    Endpoint(BACK_END, "b2b/rbac/policy", PolicyViewSet, {"get": "of_members"}),
    Endpoint(BACK_END, "b2b/rbac/organizations/<str:organization_id>", PolicyViewSet, {"get": "of_organization"}),
    # Consumer
    Endpoint(BOTH, "totps", UserTOTPViewSet, {"post": "create"}),
    Endpoint(BOTH, "totps/authenticate", UserTOTPViewSet, {"post": "authenticate"}),
    Endpoint(BOTH, "totps/recovery_codes", UserTOTPViewSet, {"post": "recovery_codes"}),
    Endpoint(BOTH, "totps/recover", UserTOTPViewSet, {"post": "recover"}),
    Endpoint(BACK_END, "sessions", UserSessionViewSet, {"get": "list"}),
    Endpoint(BOTH, "sessions/authenticate", UserSessionViewSet, {"post": "authenticate"}),
    Endpoint(BACK_END, "sessions/revoke", UserSessionViewSet, {"post": "revoke"}),
    Endpoint(PAGE, "sessions/revoke", UserSessionViewSet, {"post": "revoke_own"}),
    Endpoint(BACK_END, "sessions/jwks/<str:project_id>", KeySetViewSet, {"get": "list"}),
    Endpoint(BOTH, "passwords", UserPasswordViewSet, {"post": "create"}),
    Endpoint(BOTH, "passwords/authenticate", UserPasswordViewSet, {"post": "authenticate"}),
    Endpoint(BACK_END, "passwords/migrate", UserPasswordViewSet, {"post": "migrate"}),
    Endpoint(BOTH, "passwords/strength_check", UserPasswordViewSet, {"post": "strength_check"}),
    Endpoint(BACK_END, "users", UserViewSet, {"post": "create"}),
    Endpoint(BACK_END, "users/search", UserViewSet, {"post": "search"}),
    Endpoint(PAGE, "users/me", UserViewSet, {"get": "retrieve", "put": "update_self"}),
    Endpoint(BOTH, "users/totps/<str:totp_id>", UserViewSet, {"delete": "destroy_totp"}),
    Endpoint(BACK_END, "users/<str:user_id>", UserViewSet, {"get": "retrieve", "put": "update", "delete": "destroy"}),
    Endpoint(BACK_END, "users/<str:user_id>/external_id", UserViewSet, {"delete": "destroy_external_id"}),
    Endpoint(BACK_END, "rbac/policy", PolicyViewSet, {"get": "of_users"}),
    # What the browser SDK asks for by itself
    Endpoint(PAGE, "projects/bootstrap/<str:public_token>", BootstrapViewSet, {"get": "retrieve"}),
    Endpoint(PAGE, "events", EventViewSet, {"post": "create"}),
)
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")


def mount(root: str, endpoints: Iterable[Endpoint], **caller: Any) -> Iterable[URLPattern]:
    """The endpoints of one kind of caller: ``authentication_classes`` and whatever else ``as_view`` takes."""
    for endpoint in endpoints:
        if root in endpoint.roots:
            public = {"authentication_classes": ()} if endpoint.viewset.authentication_classes == () else {}
            yield path(endpoint.route, _view(endpoint.viewset, endpoint.actions, **{**caller, **public}))


def _view(viewset: type[StytchViewSet], actions: dict[str, str], **options: Any) -> Any:
    # A transaction around the request would roll a paid attempt back with the response that refuses it. Who calls is
    # judged by the view, never by a Django session.
    view = mfa_exempt(viewset.as_view(dict(actions), **options))
    return transaction.non_atomic_requests(login_not_required(view))


_BACK_END = {"authentication_classes": [ProjectAuthentication]}
_PAGE = {"authentication_classes": [PublicTokenAuthentication], "renderer_classes": [EnvelopeRenderer]}

urlpatterns = [
    path("v1/", include(list(mount("v1", ENDPOINTS, **_BACK_END)))),
    path("sdk/v1/", include(list(mount("sdk/v1", ENDPOINTS, **_PAGE)))),
    # The rest of what lies below, so that it is answered in JSON and never redirected by APPEND_SLASH.
    re_path(r"^(?:sdk/)?v1(?:/|\Z)", _view(NotServed, dict.fromkeys(_VERBS, "refuse"))),
]
