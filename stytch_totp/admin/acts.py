"""How a member of staff does something: a page that says what will happen, a reason, a second factor just shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from stytch_totp import errors
from stytch_totp.admin.base import kept_out
from stytch_totp.envelope import UNAVAILABLE, new_request_id, unavailable
from stytch_totp.models import Member, Organization
from stytch_totp.operations.audit import Actor
from stytch_totp.operations.staff import LONGEST_REASON, SHORTEST_REASON, STEP_UP_SECONDS, Staff, one_line
from stytch_totp.web.challenges import answer_visitor, private
from stytch_totp.web.visits import MFAHttpRequest
from stytch_totp.whereabouts import whereabouts

_WORDS: dict[type[errors.StytchError], Promise] = {
    errors.SupportForbidden: _("You don't have the permission to do this here."),
    errors.SupportOfOneself: _("This is your own account. Ask a colleague."),
    errors.SupportOfHigherRole: _("This member is staff and may do more than you. Ask somebody who may do as much."),
    errors.SupportByTheSame: _("You asked for this yourself. A second member of staff has to approve of it."),
    errors.SupportRequestNotWaiting: _("This was decided already, or is out of date."),
    errors.MemberNotFound: _("This member was deleted."),
    errors.OrganizationNotFound: _("This organization was deleted."),
    errors.ServiceUnavailable: _("Something got in the way, and nothing was changed. Try again."),
}


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("For the record: how you know who is asking, or the number of the ticket."),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )

    def clean_reason(self) -> str:
        """One line, whatever was pasted: each event is a line of somebody's log."""
        reason = one_line(str(self.cleaned_data["reason"]))
        if len(reason) < SHORTEST_REASON:
            raise forms.ValidationError(_("Say it in at least %(number)d characters.") % {"number": SHORTEST_REASON})
        return reason


@dataclass(frozen=True)
class ActPage:
    """One act: what it is called, what comes of it, what is done when it is confirmed."""

    title: Any
    #: What will happen, a sentence to a line.
    consequences: Sequence[Any]
    permission: str
    organization: Organization
    member: Member | None
    #: ``perform(staff, reason)`` returns what to tell.
    perform: Callable[[Staff, str], Any]
    #: Where to go afterwards.
    back: str
    button: Any = ""
    template: str = "admin/stytch_totp/act.html"
    context: Any = None


def staff_at(request: MFAHttpRequest) -> Staff:
    """The member of staff who is at the request, with what they have shown."""
    user, place = request.user, request.get_host()
    actor = Actor("staff", str(user.pk), new_request_id(), place, name=user.get_username(), **whereabouts(request))
    return Staff(user, request.mfa.verified_at, actor)


def show(admin_page: Any, request: MFAHttpRequest, page: ActPage) -> HttpResponse:
    """Ask for confirmation and a reason; on POST, do it. GET changes nothing (AA-03)."""
    return private(_answer(admin_page, request, page))


def owed(request: MFAHttpRequest) -> HttpResponse | None:
    """Where a second factor is to be shown first, or None."""
    refusal = request.mfa.refusal(max_age=STEP_UP_SECONDS)
    return None if refusal is None else answer_visitor(request, refusal)


def hidden(
    admin_page: Any, request: MFAHttpRequest, permission: str, organization: Any = None, member: Member | None = None
) -> HttpResponse:
    """The answer for what somebody may not see: as for what isn't there. What they tried to do is on record."""
    organization = member.organization if member else organization
    if request.method == "POST" and organization is not None:
        staff_at(request).deny(errors.SupportForbidden(), permission, organization, member)
    missing: HttpResponse = admin_page.missing(request)
    return missing


def open_act(view: Callable[..., HttpResponse], admin_page: Any) -> Callable[..., HttpResponse]:
    """A view of an act as a URL pattern takes it. A request of one transaction would roll back what is on record."""
    guarded: Callable[..., HttpResponse] = transaction.non_atomic_requests(admin_page.admin_site.admin_view(view))
    return guarded


def _answer(admin_page: Any, request: MFAHttpRequest, page: ActPage) -> HttpResponse:
    refused = owed(request)
    if refused and not request.user.is_authenticated:
        return refused  # whose session was revoked
    staff = staff_at(request)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and (refused or form.is_valid()):
        try:
            told = page.perform(staff, "" if refused else form.cleaned_data["reason"])
        except errors.StytchError as error:
            if refused and isinstance(error, errors.MFARequired):
                return refused
            return explain(admin_page, request, error, title=page.title, back=page.back)
        except UNAVAILABLE as failure:
            return explain(admin_page, request, unavailable(failure), title=page.title, back=page.back)
        messages.success(request, told)
        return HttpResponseRedirect(page.back)
    forbidden = staff.refusal(page.permission, page.organization, page.member)
    shown = explain(admin_page, request, forbidden, title=page.title, back=page.back) if forbidden else refused
    return shown or _ask(admin_page, request, page, form)


def _ask(admin_page: Any, request: MFAHttpRequest, page: ActPage, form: ReasonForm) -> HttpResponse:
    context = {
        **admin_page.admin_site.each_context(request),
        "title": page.title,
        "page": page,
        "form": form,
        "opts": admin_page.opts,
        **(page.context or {}),
    }
    return TemplateResponse(request, page.template, context)


def explain(
    admin_page: Any, request: MFAHttpRequest, error: errors.StytchError, *, title: Any = "", back: str = ""
) -> HttpResponse:
    """A page that says why something can't be done."""
    words = _WORDS.get(type(error), _("This can't be done."))
    return kept_out(admin_page, request, title=title, message=str(words), status=error.status_code, back=back)
