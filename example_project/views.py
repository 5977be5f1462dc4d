"""A small SaaS: what a team sees of itself, and an account whose settings a stolen session can't change."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from example_project.forms import EmailForm
from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.models import AuditEvent
from stytch_totp.operations import users
from stytch_totp.operations.audit import words
from stytch_totp.web.decorators import step_up
from stytch_totp.web.visits import MFAHttpRequest

RECENT = 8


def dashboard(request: MFAHttpRequest) -> HttpResponse:
    """Guarded by the middleware alone: nothing here asks who may see it."""
    member = request.mfa.member
    team = member.organization.members.exclude(status="deleted").order_by("email") if member else []
    events = AuditEvent.objects.filter(member_id=member.pk).order_by("-id")[:RECENT] if member else []
    return render(request, "dashboard.html", {"team": team, "events": [words(event) for event in events]})


@step_up(300)
def settings(request: MFAHttpRequest) -> HttpResponse:
    """A change of the e-mail address, for who has shown a second factor in the last five minutes."""
    form = EmailForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                form.save()
                for membership in users.memberships(request.user):
                    users.sync_user(form.instance, membership.member.organization)
        except errors.InvalidEmail:
            form.add_error("email", _("This address can't be used here."))
        except errors.DuplicateMemberEmail:
            form.add_error("email", _("A colleague has this address."))
        else:
            messages.success(request, _("Your e-mail address was changed."))
            return redirect("settings")
    return render(request, "settings.html", {"form": form})


@login_not_required
def spa(request: MFAHttpRequest) -> HttpResponse:
    """A page whose scripts do all of it by ``/sdk/v1``. It has no Django session and wants none."""
    return render(request, "spa.html", {"public_token": conf().public_tokens[0]})
