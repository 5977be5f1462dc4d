"""The audit trail, newest first."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from stytch_totp.admin.base import NOTHING, ReadOnlyAdmin, moment
from stytch_totp.admin.filters import TagFilter
from stytch_totp.conf import public_id
from stytch_totp.models import AuditEvent
from stytch_totp.operations.audit import by, words
from stytch_totp.operations.lookup import find_events


class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("when", "said", "outcome_word", "member", "actor", "why")
    list_filter = (TagFilter,)
    ordering = ("-id",)
    search_help_text = gettext_lazy("Tag; e-mail address or id of the member; slug or id of the organization.")
    fields = (
        "when",
        "said",
        "tag",
        "outcome_word",
        "member",
        "organization",
        "actor",
        "why",
        "details",
        "request_id",
        "ip_address",
        "user_agent_digest",
        "sequence",
        "link",
    )
    readonly_fields = ("when", "said", "outcome_word", "member", "organization", "actor", "why")
    organization_path = "organization_id"

    def find(self, request: HttpRequest, rows: QuerySet[AuditEvent], text: str) -> QuerySet[AuditEvent]:
        return find_events(rows, text, self.people(request))

    @admin.display(description=gettext_lazy("time"))
    def when(self, event: AuditEvent) -> str:
        return moment(event.at)

    @admin.display(description=gettext_lazy("event"))
    def said(self, event: AuditEvent) -> str:
        return words(event)

    @admin.display(description=gettext_lazy("succeeded"), boolean=True)
    def outcome_word(self, event: AuditEvent) -> bool:
        return event.outcome == "success"

    @admin.display(description=gettext_lazy("member"))
    def member(self, event: AuditEvent) -> str:
        return public_id("member", event.member_id) if event.member_id else NOTHING

    @admin.display(description=gettext_lazy("organization"))
    def organization(self, event: AuditEvent) -> str:
        return public_id("organization", event.organization_id) if event.organization_id else NOTHING

    @admin.display(description=gettext_lazy("by"))
    def actor(self, event: AuditEvent) -> str:
        return by(event)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, event: AuditEvent) -> str:
        return event.reason or NOTHING
