"""What all pages at ``/mfa/`` share: who may see one, whom it is about, and how a code is asked for.

The middleware lets everybody through to them, since they are where it sends people: who may see one is asked here, of
the same ``request.mfa``.
"""

from functools import cached_property
from typing import Any, ClassVar

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_deny
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from stytch_totp import errors
from stytch_totp.conf import now
from stytch_totp.core import factors
from stytch_totp.envelope import UNAVAILABLE, unavailable
from stytch_totp.exempt import mfa_exempt
from stytch_totp.models import Guard, Member, Session
from stytch_totp.operations import users
from stytch_totp.operations.assurance import Assurance
from stytch_totp.operations.audit import Actor
from stytch_totp.scrubbing import hush, is_secret, shield, unquoted
from stytch_totp.web.challenges import answer_visitor, next_of, redirect_to, uncached
from stytch_totp.web.forms import CodeForm
from stytch_totp.web.visits import MFAHttpRequest, Visit
from stytch_totp.web.words import CORRECTABLE, locked, say

_GUARDS: list[Any] = [
    mfa_exempt,
    uncached,
    transaction.non_atomic_requests,  # a rolled back request would take the failure count with it
    xframe_options_deny,
    sensitive_post_parameters("code"),
    csrf_protect,
    login_required,
]


@method_decorator(_GUARDS, name="dispatch")
class Page(TemplateResponseMixin, ContextMixin, View):
    """A page for who is logged in and owes nothing, but what the page is there to settle."""

    request: MFAHttpRequest
    http_method_names = ["get", "post"]
    #: What a visitor may owe and see the page all the same.
    settles: ClassVar[tuple[type[errors.StytchError], ...]] = ()

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        shield(request)  # before the guards, which may fail, too
        super().setup(request, *args, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            owed = self.mfa.refusal()
            if owed is not None and not isinstance(owed, self.settles):
                return answer_visitor(request, owed)
            return super().dispatch(request, *args, **kwargs)
        except (errors.InsufficientFactors, errors.StaleFactors) as error:
            if not factors.shown_at(self.mfa.factors, factors.PRIMARY_FACTORS):
                return self.ask_to_log_in()
            return self.ask_for_factor(error)
        except errors.StytchError as error:
            return answer_visitor(request, error)
        except UNAVAILABLE as failure:
            return answer_visitor(request, unavailable(failure))
        except Exception as unforeseen:
            hush(unforeseen, request.POST)
            raise

    @property
    def mfa(self) -> Assurance:
        return self.request.mfa

    @cached_property
    def visit(self) -> Visit:
        return Visit(self.request, self.request.user)

    @cached_property
    def member(self) -> Member:
        """The member that the visitor acts as. Raises MFAEnrollmentRequired: only who enrols is made one."""
        if self.mfa.member is None:
            raise errors.MFAEnrollmentRequired
        return self.mfa.member

    @cached_property
    def actor(self) -> Actor:
        return self.visit.actor(self.member)

    @cached_property
    def parties(self) -> dict[str, Any]:
        """Who acts, and what they have shown: what every operation asks."""
        return {"member": self.member, "proof": self.visit.proof(self.member), "actor": self.actor}

    @cached_property
    def memberships(self) -> list[users.Membership]:
        return users.memberships(self.request.user)

    def page(self, *, status: int = 200, template: str = "", **context: Any) -> HttpResponse:
        shown = {"mfa": self.mfa, "several": len(self.memberships) > 1, "next": next_of(self.request)}
        # At DEBUG, Django logs all of these if a template asks for one that isn't there.
        shown |= {name: unquoted(value) if is_secret(name) else value for name, value in context.items()}
        if template:
            self.template_name = template
        return self.render_to_response(self.get_context_data(**shown), status=status)

    def ask_for_factor(self, error: errors.StytchError) -> HttpResponse:
        """Where a second factor is shown, which ``error`` says is missing or too old."""
        return redirect_to("stytch_totp:verify", self.request.get_full_path())

    def ask_to_log_in(self) -> HttpResponse:
        """Where a first factor is asked for: not by leading to the login page, which may lead back at once."""
        return self.page(template="stytch_totp/log_in_again.html", status=403, back=self.request.get_full_path())

    def go_on(self) -> HttpResponse:
        return HttpResponseRedirect(next_of(self.request) or reverse("stytch_totp:manage"))


class CodePage(Page):
    """A page where a code is typed. Whatever is wrong with it is said beside the field."""

    form_class: type[Form] = CodeForm
    kind = Guard.Kind.TOTP
    #: Whether the field is where the eye is when the page opens.
    focuses = True

    def ask(self, form: Form, *, status: int = 200, **context: Any) -> HttpResponse:
        if form.errors or self.focuses:
            form.fields["code"].widget.attrs["autofocus"] = True
        until = 0 if form.is_bound else self.member.guard_by_kind[self.kind].locked_until
        return self.page(status=status, form=form, locked=locked(until) if until > now() else "", **context)

    def post(self, request: MFAHttpRequest) -> HttpResponse:
        form = self.form_class(request.POST)
        if not form.is_valid():
            return self.ask(form)
        try:
            session = self.accept(form.cleaned_data["code"])
        except CORRECTABLE as error:
            form.add_error("code", say(error, now()))
            response = self.ask(form, status=error.status_code if error.retry_after else 200)
            if error.retry_after:
                response["Retry-After"] = str(error.retry_after)
            return response
        self.visit.showed(session)
        return self.accepted()

    def accept(self, code: str) -> Session:
        raise NotImplementedError

    def accepted(self) -> HttpResponse:
        return self.go_on()
