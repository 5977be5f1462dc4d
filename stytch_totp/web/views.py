"""The pages at ``/mfa/``: enrol, verify, recover, recovery codes, and the choice of an organization.

Each shapes what was typed, calls one operation and shows what came of it.
"""

from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.core import totp
from stytch_totp.models import Guard, Member, Session
from stytch_totp.operations import enrolment, recovery, standing, users, verification
from stytch_totp.web.challenges import answer_visitor, next_of, redirect_to
from stytch_totp.web.forms import RecoveryCodeForm
from stytch_totp.web.pages import CodePage, Page
from stytch_totp.web.visits import MFAHttpRequest


class Verify(CodePage):
    template_name = "stytch_totp/verify.html"
    settles = (errors.MFARequired,)

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        if not self.mfa.enrolled:
            return redirect_to("stytch_totp:enrol", next_of(request))
        # Begun before a code is sent, so that the late one of two clicks has nothing to write into the Django session,
        # whose key the first has changed.
        self.visit.proof(self.member)
        return self.ask(self.form_class())

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        # A pending TOTP is confirmed where it is enrolled.
        return super().post(request) if self.mfa.enrolled else self.get(request)

    def accept(self, code: str) -> Session:
        return _session(verification.authenticate(**self.parties, code=code))


class Recover(Verify):
    template_name = "stytch_totp/recover.html"
    form_class = RecoveryCodeForm
    kind = Guard.Kind.RECOVERY

    def accept(self, code: str) -> Session:
        return _session(recovery.recover(**self.parties, code=code))


class Enrol(CodePage):
    """The secret is made and shown by GET, once: a page that is loaded again shows another one."""

    template_name = "stytch_totp/enrol.html"
    settles = (errors.MFAEnrollmentRequired,)
    focuses = False  # the QR code comes first

    @cached_property
    def member(self) -> Member:
        """Of a user who has none yet, made now."""
        return self.mfa.member or users.sync_user(self.request.user)

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        if self.mfa.enrolled:
            return self.go_on()
        try:
            standing.check_may_add_factor(self.parties["proof"], self.actor)
        except (errors.InsufficientFactors, errors.StaleFactors):
            return self.ask_to_log_in()
        if self._is_scanned_elsewhere(request):
            return self.ask(self.form_class())
        made = enrolment.create(**self.parties, shown_elsewhere=self._has_shown())
        return self.ask(self.form_class(), made=made, secret=totp.grouped(made.secret))

    def _is_scanned_elsewhere(self, request: HttpRequest) -> bool:
        """Whether another site has led here a visitor who is just scanning: the code on their phone would be void."""
        pending = self.member.registration_by_state.get("pending")
        mine = pending is not None and pending.created_in == self.parties["proof"].pk
        return mine and request.headers.get("Sec-Fetch-Site") == "cross-site"

    def ask(self, form: Form, **context: Any) -> HttpResponse:
        context["issuer"], context["account"] = enrolment.issuer(self.member), enrolment.account(self.member)
        return super().ask(form, **context)

    def accept(self, code: str) -> Session:
        shown = self._has_shown()
        return _session(
            verification.authenticate(**self.parties, code=code, set_mfa_enrollment="enroll", shown_elsewhere=shown)
        )

    def ask_for_factor(self, error: errors.StytchError) -> HttpResponse:
        """One of a kind, or of an organization, that this page can't ask for."""
        return answer_visitor(self.request, error)

    def _has_shown(self) -> bool:
        """Whether the visitor has shown a second factor as one of the members that they are."""
        return self.visit.has_shown(self.memberships)

    def accepted(self) -> HttpResponse:
        if conf().recovery_codes_viewable:
            return redirect_to("stytch_totp:codes", next_of(self.request))
        fresh = enrolment.rotate_recovery_codes(self.member, actor=self.actor, proof=self.visit.proof(self.member))
        return self.page(template=Codes.template_name, codes=fresh)


class Manage(Page):
    template_name = "stytch_totp/manage.html"

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        member = self.mfa.member
        active = member.registration_by_state.get("active") if member else None
        return self.page(
            totp=active,
            set_up_on=active and datetime.fromtimestamp(active.verified_at or 0, timezone.utc),
            codes_left=enrolment.count_recovery_codes(active) if active else 0,
        )


class Codes(Page):
    template_name = "stytch_totp/codes.html"

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        try:
            [(_, unused)] = enrolment.show_recovery_codes(**self.parties)
        except errors.RecoveryCodesNotViewable:
            return self.page(codes=None)
        return self.page(codes=unused, can_download=True)

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        fresh = enrolment.rotate_recovery_codes(**self.parties)
        return self.page(codes=fresh, can_download=conf().recovery_codes_viewable)


class DownloadCodes(Page):
    http_method_names = ["get"]

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        [(_, unused)] = enrolment.show_recovery_codes(**self.parties)
        response = HttpResponse("\n".join([enrolment.issuer(self.member), *unused, ""]), content_type="text/plain")
        response["Content-Disposition"] = 'attachment; filename="recovery-codes.txt"'
        return response


class Remove(Page):
    template_name = "stytch_totp/remove.html"

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        standing.check_may_remove_factor(self.parties["proof"], self.actor)
        return self.page()

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        enrolment.delete(**self.parties, unenroll=True)
        self.visit.forget(self.member)
        return self.go_on()


class Switch(Page):
    template_name = "stytch_totp/switch.html"
    settles = (errors.OrganizationNotChosen, errors.MFARequired)

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        return self.page(memberships=self.memberships)

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        by_id = {str(one.member.pk): one.member for one in self.memberships}
        member = by_id.get(request.POST.get("member", ""))
        if member is None:
            raise errors.NotAMember
        self.visit.choose(member)
        return self.go_on()


class LogInAgain(Page):
    """Where a page asks for a first factor that was shown just now."""

    template_name = "stytch_totp/log_in_again.html"
    settles = (errors.StytchError,)

    def get(self, request: MFAHttpRequest) -> HttpResponse:
        return self.page(back=next_of(request))

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        following = next_of(request) or reverse("stytch_totp:manage")
        logout(request)
        return redirect_to_login(following)


def _session(done: verification.Verified | recovery.Recovered) -> Session:
    """The session with the factor that was just accepted; a visit always has one."""
    if done.granted is None:
        raise errors.SessionNotFound
    return done.granted.session
