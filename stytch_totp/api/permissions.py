"""For your own views in Django REST framework: a second factor, and one that was shown lately.

They read ``request.mfa``, which ``MFAMiddleware`` attaches for a Django session and ``api.bearers`` for a member's own.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.envelope import challenge, envelope, new_request_id


class Challenge(APIException):
    """A refusal in our envelope, with the header of RFC 9470 that DRF's own handler writes."""

    def __init__(self, error: errors.StytchError) -> None:
        super().__init__()
        self.status_code = error.status_code
        self.detail = envelope(error, new_request_id())
        self.auth_header = challenge(error)


class IsMFAVerified(BasePermission):
    """Only who has shown a second factor in the session that the request came with. Raises Challenge."""

    max_age: int | None = None

    def has_permission(self, request: Request, view: APIView) -> bool:
        mfa: Any = getattr(request, "mfa", None)
        if mfa is None:
            raise ImproperlyConfigured("request.mfa is MFAMiddleware's, or an authentication class's of api.bearers")
        # What the browser's session has shown says nothing of whom DRF let in by something else, or of nobody.
        same = mfa.user is not None and mfa.user == request.user
        refusal = mfa.refusal(demanded=True, max_age=self.max_age) if same else errors.UserUnauthenticated()
        if refusal is not None:
            raise Challenge(refusal)
        return True


class StepUp(IsMFAVerified):
    """Only who has shown one within ``STEP_UP_MINUTES``, or ``StepUp.within(300)`` seconds."""

    @property
    def max_age(self) -> int | None:  # type: ignore[override]
        return conf().step_up_minutes * 60 or None

    @staticmethod
    def within(seconds: int) -> type[IsMFAVerified]:
        """Raises ValueError for an age that no factor could have."""
        if seconds < 1:
            raise ValueError("an age is a number of seconds, 1 or more")
        return type("StepUp", (IsMFAVerified,), {"max_age": seconds})
