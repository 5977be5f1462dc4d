"""The member page: enrolled? since when? codes left? locked? sessions where? what happened lately? And what to do."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stytch_totp.admin.acts import ActPage, hidden, open_act, show, staff_at
from stytch_totp.admin.base import NOTHING, ReadOnlyAdmin, link_to, moment, where
from stytch_totp.admin.filters import LockFilter, MFAFilter, PolicyFilter
from stytch_totp.conf import conf, now
from stytch_totp.models import Member, TOTPRegistration
from stytch_totp.operations import support
from stytch_totp.operations.audit import by, words
from stytch_totp.operations.glance import Glance, glance
from stytch_totp.operations.lookup import find_members, find_row
from stytch_totp.operations.support import Act
from stytch_totp.web.visits import MFAHttpRequest


class MemberAdmin(ReadOnlyAdmin):
    list_display = ("who", "organization_link", "status_word", "mfa_state", "lock_state")
    list_filter = (MFAFilter, PolicyFilter, LockFilter)
    ordering = ("-created_at", "-id")
    search_help_text = gettext_lazy(
        "Beginning of the e-mail address; id of the member, of a session or a TOTP; external id; user name; slug or id "
        "of the organization."
    )
    fields = (
        "who",
        "public",
        "organization_link",
        "status_word",
        "user_name",
        "verified",
        "breakglass",
        "role_names",
        "external_id",
        "made",
    )
    readonly_fields = fields
    change_form_template = "admin/stytch_totp/member/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        return (
            super()
            .get_queryset(request)
            .select_related("organization", "user")
            .prefetch_related("registrations", "guards")
        )

    def get_urls(self) -> list[URLPattern]:
        acts = [
            path(
                f"<path:object_id>/{act.value}/",
                open_act(self._view_of(act), self),
                name=f"stytch_totp_member_{act.value}",
            )
            for act in Act
        ]
        return [*acts, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        member = self.get_object(request, unquote(object_id))
        shown = self._glance_context(request, member) if member else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def _glance_context(self, request: Any, member: Member) -> dict[str, Any]:
        seen, staff = glance(member), staff_at(request)
        may = request.user.has_perm
        return {
            "glance": seen,
            "facts": _facts(seen),
            "events": [(event, words(event), by(event), moment(event.at)) for event in seen.events],
            "sessions": [
                (session, where(session), moment(session.started_at), moment(session.last_accessed_at))
                for session in seen.sessions
            ],
            "may_see_events": may("stytch_totp.view_auditevent"),
            "may_see_sessions": may("stytch_totp.view_session"),
            "acts": [
                (act, reverse(f"admin:stytch_totp_member_{act.value}", args=[member.pk]))
                for act in Act
                if staff.refusal(act.permission, member.organization, member) is None
            ],
        }

    def _view_of(self, act: Act) -> Any:
        def view(request: MFAHttpRequest, object_id: str) -> HttpResponse:
            member = self.get_object(request, unquote(object_id))
            if member is None or not self.has_view_permission(request, member):
                unseen = find_row(Member.objects.select_related("organization"), object_id)
                return hidden(self, request, act.permission, member=unseen)
            return show(self, request, _page_of(act, member))

        return view

    def find(self, request: HttpRequest, rows: QuerySet[Member], text: str) -> QuerySet[Member]:
        return find_members(rows, text)

    @admin.display(description=gettext_lazy("e-mail address"))
    def who(self, member: Member) -> str:
        return member.email or member.name or member.mfa_phone_number or str(member.pk)

    @admin.display(description=gettext_lazy("id"))
    def public(self, member: Member) -> str:
        return member.public_id

    @admin.display(description=gettext_lazy("organization"))
    def organization_link(self, member: Member) -> str:
        name = member.organization.slug or member.organization.name
        return link_to("organization", member.organization_id, name)

    @admin.display(description=gettext_lazy("status"))
    def status_word(self, member: Member) -> str:
        return str(Member.Status(member.status).label)

    @admin.display(description=gettext_lazy("Django user"))
    def user_name(self, member: Member) -> str:
        return member.user.get_username() if member.user else NOTHING

    @admin.display(description=gettext_lazy("e-mail address verified"))
    def verified(self, member: Member) -> str:
        return _("Yes") if member.email_verified else _("No")

    @admin.display(description=gettext_lazy("break-glass account"))
    def breakglass(self, member: Member) -> str:
        return _("Yes") if member.is_breakglass else _("No")

    @admin.display(description=gettext_lazy("roles"))
    def role_names(self, member: Member) -> str:
        return ", ".join(member.all_roles)

    @admin.display(description=gettext_lazy("MFA"))
    def mfa_state(self, member: Member) -> str:
        if member.active_totp_id:
            return _("Enrolled")
        pending = member.registration_by_state.get(TOTPRegistration.State.PENDING)
        return _("Enrolment begun") if pending and pending.expires_at > now() else _("Not enrolled")

    @admin.display(description=gettext_lazy("locked until"))
    def lock_state(self, member: Member) -> str:
        until = member.lock.locked_until if member.guard_by_kind else 0
        return moment(until) if until > now() else NOTHING

    @admin.display(description=gettext_lazy("created"))
    def made(self, member: Member) -> str:
        return moment(member.created_at)


def _facts(seen: Glance) -> list[tuple[str, str]]:
    """What support is asked first, with its answer."""
    if seen.enrolled:
        enrolled = _("Yes, since %(time)s") % {"time": moment(seen.enrolled_since)}
    else:
        enrolled = _("Begun, not confirmed") if seen.pending else _("No")
    return [
        (_("Enrolled?"), enrolled),
        (_("Asked for a second factor?"), _("Yes") if seen.required else _("No")),
        (_("Last code accepted"), moment(seen.last_used)),
        (_("Recovery codes left"), str(seen.codes_left) if seen.enrolled else NOTHING),
        (_("Locked?"), _("Until %(time)s") % {"time": moment(seen.locked_until)} if seen.locks else _("No")),
    ]


def _page_of(act: Act, member: Member) -> ActPage:
    """The confirmation page of an act: what would happen to this member, as things stand."""
    name = member.email or member.public_id

    def perform(staff: Any, reason: str) -> str:
        asked = support.do_as(staff, act, member, reason=reason)
        if asked is not None:
            return _("%(act)s: a second member of staff has to approve of it.") % {"act": act.label}
        return _("%(act)s: done for %(name)s, and on record.") % {"act": act.label, "name": name}

    expected = consequences(act, glance(member))
    if conf().second_approver:
        expected.append(_("A second member of staff has to approve of it before anything happens."))
    return ActPage(
        title=f"{act.label}: {name}",
        consequences=expected,
        permission=act.permission,
        organization=member.organization,
        member=member,
        perform=perform,
        back=reverse("admin:stytch_totp_member_change", args=[member.pk]),
        button=act.label,
    )


def consequences(act: Act, seen: Glance) -> list[str]:
    """What an act would do to this member, as things stand, a sentence each."""
    live = ngettext(
        "%(number)d session ends; a page of this site may still answer for %(seconds)d seconds.",
        "%(number)d sessions end; a page of this site may still answer for %(seconds)d seconds.",
        len(seen.sessions),
    )
    sessions = live % {"number": len(seen.sessions), "seconds": conf().recheck_seconds}
    if act is Act.UNLOCK:
        until = _("The lock that lasts until %(time)s is lifted.") % {"time": moment(seen.locked_until)}
        return [until if seen.locks else _("Nothing is locked; failed attempts are forgotten.")]
    if act is Act.RESET_MFA:
        kept = [_("A lock stays; lift it by itself.")] if seen.locks else []
        totp = _("The TOTP is removed, and the codes of its app are worth nothing any more.")
        codes = ngettext(
            "%(number)d unused recovery code dies.", "%(number)d unused recovery codes die.", seen.codes_left
        )
        return [
            totp if seen.enrolled else _("There is no TOTP to remove."),
            codes % {"number": seen.codes_left},
            sessions,
            _("At the next login the member enrols anew, and sees the new secret alone."),
            *kept,
            _told(),
        ]
    if act is Act.REVOKE_SESSIONS:
        return [sessions, _("Logins that are under way end, too. The TOTP stays.")]
    return [_("The member is asked to enrol at the next login or page, whatever the organization's policy.")]


def _told() -> str:
    return _("The member is told by e-mail.") if conf().notify_members else _("Nobody is told by e-mail.")
