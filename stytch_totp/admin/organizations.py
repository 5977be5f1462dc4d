"""Organizations, and what would come of one that asks all its members for MFA."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stytch_totp.admin.acts import ActPage, explain, hidden, open_act, show, staff_at
from stytch_totp.admin.base import NOTHING, ReadOnlyAdmin, moment
from stytch_totp.admin.filters import PolicyFilter
from stytch_totp.models import Organization
from stytch_totp.operations import foresight
from stytch_totp.operations.foresight import Fate
from stytch_totp.operations.lookup import find_organizations, find_row
from stytch_totp.operations.staff import Staff
from stytch_totp.web.visits import MFAHttpRequest

MOST_NAMED = 100


class OrganizationAdmin(ReadOnlyAdmin):
    list_display = ("title", "slug_word", "policy", "made")
    list_filter = (PolicyFilter,)
    ordering = ("-created_at", "-id")
    search_help_text = gettext_lazy("Beginning of the slug; id; external id.")
    fields = ("title", "public", "slug_word", "external_id", "policy", "methods", "primary_methods", "made")
    readonly_fields = ("title", "public", "slug_word", "policy", "methods", "primary_methods", "made")
    change_form_template = "admin/stytch_totp/organization/change_form.html"
    organization_path = "pk"

    def get_urls(self) -> list[URLPattern]:
        view = open_act(self.require_mfa_view, self)
        own = path("<path:object_id>/require_mfa/", view, name="stytch_totp_organization_require_mfa")
        return [own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        organization, visitor = self.get_object(request, unquote(object_id)), request
        shown: dict[str, Any] = {}
        if organization:
            is_tenant = organization.kind == Organization.Kind.TENANT
            refused = staff_at(visitor).refusal(foresight.PERMISSION, organization)  # type: ignore[arg-type]
            shown = {"may_require_mfa": refused is None and is_tenant and not _requires(organization)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def require_mfa_view(self, request: MFAHttpRequest, object_id: str) -> HttpResponse:
        """Who would be asked to enrol and who locked out; then, confirmed, the change."""
        organization = self.get_object(request, unquote(object_id))
        if organization is None or not self.has_view_permission(request, organization):
            unseen = find_row(Organization.objects.all(), object_id)
            return hidden(self, request, foresight.PERMISSION, unseen)
        if organization.kind != Organization.Kind.TENANT:
            return self.missing(request)  # the directory of Users, whom no policy asks
        if request.method == "GET" and (refused := staff_at(request).refusal(foresight.PERMISSION, organization)):
            return explain(self, request, refused)  # before a million members are counted for nobody
        names = request.user.has_perm("stytch_totp.view_member")
        return show(self, request, _page_of(organization, names=names))

    def find(self, request: HttpRequest, rows: QuerySet[Organization], text: str) -> QuerySet[Organization]:
        return find_organizations(rows, text)

    @admin.display(description=gettext_lazy("name"))
    def title(self, organization: Organization) -> str:
        return organization.name

    @admin.display(description=gettext_lazy("id"))
    def public(self, organization: Organization) -> str:
        return organization.public_id

    @admin.display(description=gettext_lazy("slug"))
    def slug_word(self, organization: Organization) -> str:
        return organization.slug or NOTHING

    @admin.display(description=gettext_lazy("MFA policy"))
    def policy(self, organization: Organization) -> str:
        return _("Required for all") if _requires(organization) else _("Optional")

    @admin.display(description=gettext_lazy("second factors"))
    def methods(self, organization: Organization) -> str:
        return _allowed(organization.mfa_methods, organization.allowed_mfa_methods)

    @admin.display(description=gettext_lazy("first factors"))
    def primary_methods(self, organization: Organization) -> str:
        return _allowed(organization.auth_methods, organization.allowed_auth_methods)

    @admin.display(description=gettext_lazy("created"))
    def made(self, organization: Organization) -> str:
        return moment(organization.created_at)


def _requires(organization: Organization) -> bool:
    return organization.mfa_policy == Organization.MFAPolicy.REQUIRED_FOR_ALL


def _allowed(rule: str, methods: list[str]) -> str:
    return _("All") if rule == Organization.MethodRule.ALL_ALLOWED else ", ".join(methods)


def _page_of(organization: Organization, *, names: bool) -> ActPage:
    """``names``: whether the member of staff may see members."""
    seen = foresight.foresee(organization)
    shown = [fate for fate in Fate if names and fate is not Fate.READY and seen.counts[fate]]

    def perform(staff: Staff, reason: str) -> str:
        foresight.require_mfa_as(staff, organization, reason=reason)
        return _("%(name)s now requires MFA of all its members.") % {"name": organization.name}

    return ActPage(
        title=_("Require MFA: %(name)s") % {"name": organization.name},
        consequences=(),  # the template shows the counts in their place
        permission=foresight.PERMISSION,
        organization=organization,
        member=None,
        perform=perform,
        back=reverse("admin:stytch_totp_organization_change", args=[organization.pk]),
        button=_("Require MFA"),
        template="admin/stytch_totp/organization/require_mfa.html",
        context={
            "counts": [(fate.label, seen.counts[fate], fate.locks_out) for fate in Fate],
            "named": [(fate.label, list(foresight.people(organization, fate)[:MOST_NAMED])) for fate in shown],
            "most_named": MOST_NAMED,
        },
    )
