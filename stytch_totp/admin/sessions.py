"""Sessions: whose, where, since when. Their tokens are nowhere on these pages."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stytch_totp.admin.base import NOTHING, ReadOnlyAdmin, link_to, moment, where
from stytch_totp.admin.filters import LiveFilter
from stytch_totp.conf import now, public_id
from stytch_totp.models import Session
from stytch_totp.operations.lookup import find_sessions


class SessionAdmin(ReadOnlyAdmin):
    list_display = ("begun", "member_link", "begun_at", "factor_words", "accessed", "state")
    list_filter = (LiveFilter,)
    ordering = ("-started_at", "-id")
    search_help_text = gettext_lazy("Id of the session; e-mail address, id or external id of the member.")
    fields = (
        "public",
        "member_link",
        "begun_at",
        "address",
        "browser",
        "factor_words",
        "begun",
        "accessed",
        "ends",
        "state",
    )
    readonly_fields = fields
    organization_path = "member__organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        return super().get_queryset(request).select_related("member").defer("claims", "sealed_token")

    def find(self, request: HttpRequest, rows: QuerySet[Session], text: str) -> QuerySet[Session]:
        return find_sessions(rows, text, self.people(request))

    @admin.display(description=gettext_lazy("id"))
    def public(self, session: Session) -> str:
        return public_id("session", session.pk)

    @admin.display(description=gettext_lazy("member"))
    def member_link(self, session: Session) -> str:
        return link_to("member", session.member_id, session.member.email or str(session.member_id))

    @admin.display(description=gettext_lazy("where"))
    def begun_at(self, session: Session) -> str:
        return where(session)

    @admin.display(description=gettext_lazy("address"))
    def address(self, session: Session) -> str:
        return session.ip_address or NOTHING

    @admin.display(description=gettext_lazy("browser"))
    def browser(self, session: Session) -> str:
        return session.user_agent or NOTHING

    @admin.display(description=gettext_lazy("factors shown"))
    def factor_words(self, session: Session) -> str:
        return ", ".join(one["type"] for one in session.factors)

    @admin.display(description=gettext_lazy("begun"))
    def begun(self, session: Session) -> str:
        return moment(session.started_at)

    @admin.display(description=gettext_lazy("last used"))
    def accessed(self, session: Session) -> str:
        return moment(session.last_accessed_at)

    @admin.display(description=gettext_lazy("ends"))
    def ends(self, session: Session) -> str:
        return moment(session.expires_at)

    @admin.display(description=gettext_lazy("state"))
    def state(self, session: Session) -> str:
        if session.revoked_at is not None:
            return _("Revoked")
        return _("Live") if session.is_live(now()) else _("Expired")
