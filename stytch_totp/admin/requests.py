"""What a member of staff asked for and a second one has to approve of, where SECOND_APPROVER is on."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stytch_totp.admin.acts import ActPage, hidden, open_act, show, staff_at
from stytch_totp.admin.base import NOTHING, ReadOnlyAdmin, link_to, moment
from stytch_totp.admin.members import consequences
from stytch_totp.conf import now
from stytch_totp.models import SupportRequest
from stytch_totp.operations import support
from stytch_totp.operations.glance import glance
from stytch_totp.operations.lookup import find_row
from stytch_totp.operations.staff import Staff
from stytch_totp.operations.support import Act
from stytch_totp.web.visits import MFAHttpRequest

Decision = Callable[..., None]


class SupportRequestAdmin(ReadOnlyAdmin):
    list_display = ("asked", "act_word", "member_link", "asker", "state_word")
    ordering = ("-asked_at", "-id")
    search_fields = ()
    fields = ("asked", "act_word", "member_link", "asker", "reason", "state_word", "decider", "decided")
    readonly_fields = ("asked", "act_word", "member_link", "asker", "state_word", "decider", "decided")
    change_form_template = "admin/stytch_totp/supportrequest/change_form.html"
    organization_path = "member__organization"

    def get_queryset(self, request: HttpRequest) -> QuerySet[SupportRequest]:
        related = ("member__organization", "member__user", "asked_by", "decided_by")
        return super().get_queryset(request).select_related(*related)

    def get_urls(self) -> list[URLPattern]:
        decisions: dict[str, Decision] = {"approve": support.approve, "decline": support.decline}
        own = [
            path(
                f"<path:object_id>/{name}/",
                open_act(self._view_of(decision), self),
                name=f"stytch_totp_supportrequest_{name}",
            )
            for name, decision in decisions.items()
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        found = self.get_object(request, unquote(object_id))
        shown = {"decisions": self._decisions(request, found) if found else []}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _decisions(self, request: Any, found: SupportRequest) -> list[tuple[str, str]]:
        """What this member of staff may do about it: words and addresses."""
        refused = staff_at(request).refusal(Act(found.act).permission, found.member.organization, found.member)
        if refused or not _is_waiting(found):
            return []
        names = {"approve": _("Approve"), "decline": _("Decline")}
        if found.asked_by_id == request.user.pk:
            del names["approve"]
        return [
            (word, reverse(f"admin:stytch_totp_supportrequest_{name}", args=[found.pk])) for name, word in names.items()
        ]

    def _view_of(self, decision: Decision) -> Any:
        def view(request: MFAHttpRequest, object_id: str) -> HttpResponse:
            found = self.get_object(request, unquote(object_id))
            if found is None or not self.has_view_permission(request, found):
                unseen = find_row(SupportRequest.objects.select_related("member__organization"), object_id)
                permission = Act(unseen.act).permission if unseen else ""
                return hidden(self, request, permission, member=unseen.member if unseen else None)
            return show(self, request, _page_of(found, decision))

        return view

    @admin.display(description=gettext_lazy("asked"))
    def asked(self, request: SupportRequest) -> str:
        return moment(request.asked_at)

    @admin.display(description=gettext_lazy("act"))
    def act_word(self, request: SupportRequest) -> str:
        return str(Act(request.act).label)

    @admin.display(description=gettext_lazy("member"))
    def member_link(self, request: SupportRequest) -> str:
        return link_to("member", request.member_id, request.member.email or str(request.member_id))

    @admin.display(description=gettext_lazy("asked by"))
    def asker(self, request: SupportRequest) -> str:
        return str(request.asked_by or NOTHING)

    @admin.display(description=gettext_lazy("state"))
    def state_word(self, request: SupportRequest) -> str:
        if request.state == SupportRequest.State.WAITING and not _is_waiting(request):
            return _("Out of date")
        return str(SupportRequest.State(request.state).label)

    @admin.display(description=gettext_lazy("decided by"))
    def decider(self, request: SupportRequest) -> str:
        return str(request.decided_by or NOTHING)

    @admin.display(description=gettext_lazy("decided"))
    def decided(self, request: SupportRequest) -> str:
        return moment(request.decided_at)


def _is_waiting(request: SupportRequest) -> bool:
    return request.state == SupportRequest.State.WAITING and request.expires_at > now()


def _page_of(request: SupportRequest, decision: Decision) -> ActPage:
    act, name = Act(request.act), request.member.email or request.member.public_id
    approves = decision is support.approve
    title = _("Approve: %(act)s, %(name)s") if approves else _("Decline: %(act)s, %(name)s")
    asked = {"asker": request.asked_by or NOTHING, "time": moment(request.asked_at), "reason": request.reason}

    def perform(staff: Staff, reason: str) -> str:
        decision(staff, request, reason=reason)
        return _("Approved and done.") if approves else _("Declined.")

    return ActPage(
        title=title % {"act": act.label, "name": name},
        consequences=[
            _("Asked for by %(asker)s, %(time)s: %(reason)s") % asked,
            *(consequences(act, glance(request.member)) if approves else [_("Nothing is done.")]),
        ],
        permission=act.permission,
        organization=request.member.organization,
        member=request.member,
        perform=perform,
        back=reverse("admin:stytch_totp_supportrequest_change", args=[request.pk]),
        button=_("Approve") if approves else _("Decline"),
    )
