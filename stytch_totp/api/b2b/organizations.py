"""``/v1/b2b/organizations`` (contract 1.7)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.searching import SearchInput, page_fields, query_of
from stytch_totp.api.inputs import Choice, Choices, Object, Objects, Text, Texts
from stytch_totp.api.objects import organization_object
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import public_id
from stytch_totp.models import Organization
from stytch_totp.operations import organizations, search

AUTH_METHODS = (
    "sso",
    "magic_link",
    "email_otp",
    "password",
    "google_oauth",
    "microsoft_oauth",
    "slack_oauth",
    "github_oauth",
    "hubspot_oauth",
)
RULES = Organization.MethodRule.values
#: Given at creation without email_invites, these close the door on invitations (contract 4.2).
AUTH_SETTINGS = (
    "auth_methods",
    "email_jit_provisioning",
    "sso_jit_provisioning",
    "oauth_tenant_jit_provisioning",
)
COLUMNS = {
    "organization_name": "name",
    "organization_slug": "slug",
    "organization_external_id": "external_id",
}


class OrganizationInput(serializers.Serializer[Any]):
    """The fields of an organization; all but the first eight are kept and given back."""

    organization_name = Text(required=False, error=errors.InvalidOrganizationName)
    organization_slug = Text(required=False, error=errors.InvalidOrganizationSlug)
    organization_external_id = Text(required=False, error=errors.InvalidOrganizationExternalID)
    mfa_policy = Choice(Organization.MFAPolicy.values, required=False, error=errors.InvalidOrganizationMFAPolicy)
    mfa_methods = Choice(RULES, required=False, error=errors.InvalidOrganizationMFAMethods)
    allowed_mfa_methods = Choices(
        ("totp", "sms_otp"), required=False, error=errors.InvalidOrganizationAllowedMFAMethods
    )
    auth_methods = Choice(RULES, required=False)
    allowed_auth_methods = Choices(AUTH_METHODS, required=False)
    trusted_metadata = Object(required=False)
    organization_logo_url = Text(required=False, longest=2048, error=errors.OrganizationLogoURLTooLong)
    email_allowed_domains = Texts(required=False)
    email_jit_provisioning = Choice(("RESTRICTED", "NOT_ALLOWED"), required=False)
    email_invites = Choice(("ALL_ALLOWED", "RESTRICTED", "NOT_ALLOWED"), required=False)
    sso_jit_provisioning = Choice(("ALL_ALLOWED", "RESTRICTED", "NOT_ALLOWED"), required=False)
    rbac_email_implicit_role_assignments = Objects(required=False)
    oauth_tenant_jit_provisioning = Choice(("RESTRICTED", "NOT_ALLOWED"), required=False)
    allowed_oauth_tenants = Object(required=False)
    claimed_email_domains = Texts(required=False)
    first_party_connected_apps_allowed_type = Choice(("ALL_ALLOWED", "RESTRICTED", "NOT_ALLOWED"), required=False)
    allowed_first_party_connected_apps = Texts(required=False)
    third_party_connected_apps_allowed_type = Choice(("ALL_ALLOWED", "RESTRICTED", "NOT_ALLOWED"), required=False)
    allowed_third_party_connected_apps = Texts(required=False)


class OrganizationUpdate(OrganizationInput):
    sso_default_connection_id = Text(required=False)
    sso_jit_provisioning_allowed_connections = Texts(required=False)


class OrganizationViewSet(StytchViewSet):
    def create(self, request: Request) -> Response:
        fields = self._columns(OrganizationInput)
        if "name" not in fields:
            raise errors.OrganizationNameMissing
        if any(name in fields for name in AUTH_SETTINGS):
            fields.setdefault("email_invites", "NOT_ALLOWED")
        return self._one(organizations.create(actor=self.actor, **fields))

    def retrieve(self, request: Request, organization_id: str) -> Response:
        return self._one(organizations.resolve(organization_id))

    def update(self, request: Request, organization_id: str) -> Response:
        found = organizations.resolve(organization_id)
        return self._one(organizations.update(found, actor=self.actor, **self._columns(OrganizationUpdate)))

    def destroy(self, request: Request, organization_id: str) -> Response:
        found = organizations.resolve(organization_id)
        organizations.delete(found, actor=self.actor)
        return self.answer(organization_id=public_id("organization", found.pk))

    def destroy_external_id(self, request: Request, organization_id: str) -> Response:
        found = organizations.resolve(organization_id)
        return self._one(organizations.update(found, actor=self.actor, external_id=None))

    def search(self, request: Request) -> Response:
        wanted = self.read(SearchInput)
        page = search.organizations(query_of(wanted), cursor=wanted["cursor"], limit=wanted["limit"])
        return self.answer(organizations=[organization_object(row) for row in page.rows], **page_fields(page))

    def metrics(self, request: Request, organization_id: str) -> Response:
        return self.answer(member_count=organizations.count_members(organizations.resolve(organization_id)))

    def _columns(self, shape: type[OrganizationInput]) -> dict[str, Any]:
        return {COLUMNS.get(name, name): value for name, value in self.read(shape).items()}

    def _one(self, organization: Organization) -> Response:
        return self.answer(organization=organization_object(organization))
