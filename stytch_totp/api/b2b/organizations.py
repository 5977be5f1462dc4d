"""``/v1/b2b/organizations`` (contract 1.7)."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet
from stytch_totp.api.b2b.objects import organization_object
from stytch_totp.api.inputs import Choice, Choices, Object, Objects, Text, Texts
from stytch_totp.api.searching import SearchInput, page_fields, query_of
from stytch_totp.api.views import reads
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
PUBLIC = (
    "organization_id",
    "organization_name",
    "organization_slug",
    "organization_logo_url",
    "sso_active_connections",
    "sso_default_connection_id",
    "email_jit_provisioning",
    "email_allowed_domains",
    "oauth_tenant_jit_provisioning",
    "allowed_oauth_tenants",
    "auth_methods",
    "allowed_auth_methods",
    "mfa_policy",
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


class Slug(serializers.Serializer[Any]):
    organization_slug = Text(shortest=1)


class OrganizationUpdate(OrganizationInput):
    sso_default_connection_id = Text(required=False)
    sso_jit_provisioning_allowed_connections = Texts(required=False)


class OrganizationViewSet(B2BViewSet):
    by_members = ("update", "destroy")

    @reads(OrganizationInput)
    def create(self, request: Request) -> Response:
        fields = self.columns(with_invites(self.read()), COLUMNS)
        if "name" not in fields:
            raise errors.OrganizationNameMissing
        return self._one(organizations.create(actor=self.actor, **fields))

    def retrieve(self, request: Request, organization_id: str = "") -> Response:
        return self._one(self.caller.organization(organization_id))

    @reads(OrganizationUpdate)
    def update(self, request: Request, organization_id: str = "") -> Response:
        found = self._permitted(organization_id)
        fields = self.columns(self.read(), COLUMNS)
        return self._one(organizations.update(found, actor=self.actor, proof=self.caller.session, **fields))

    def destroy(self, request: Request, organization_id: str = "") -> Response:
        found = self._permitted(organization_id)
        organizations.delete(found, actor=self.actor)
        return self.answer(organization_id=found.public_id)

    def destroy_external_id(self, request: Request, organization_id: str) -> Response:
        found = organizations.resolve(organization_id)
        return self._one(organizations.update(found, actor=self.actor, external_id=None))

    @reads(Slug)
    def by_slug(self, request: Request) -> Response:
        """What anybody with a public token may know of an organization: enough for its login page."""
        found = organizations.by_slug(self.read()["organization_slug"])
        shown = organization_object(found) if found else {}
        return self.answer(organization={name: shown[name] for name in PUBLIC} if found else None)

    @reads(SearchInput)
    def search(self, request: Request) -> Response:
        wanted = self.read()
        page = search.organizations(query_of(wanted), cursor=wanted["cursor"], limit=wanted["limit"])
        return self.answer(organizations=[organization_object(row) for row in page.rows], **page_fields(page))

    def metrics(self, request: Request, organization_id: str) -> Response:
        return self.answer(member_count=organizations.count_members(organizations.resolve(organization_id)))

    def _permitted(self, organization_id: str) -> Organization:
        found: Organization = self.caller.organization(organization_id)
        self.caller.permit_organization(found)
        return found

    def _one(self, organization: Organization) -> Response:
        return self.answer(organization=organization_object(organization))


def with_invites(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new organization: one that says how to log in is invited to only if it says so, too."""
    given = any(name in fields for name in AUTH_SETTINGS)
    return {"email_invites": "NOT_ALLOWED", **fields} if given else fields
