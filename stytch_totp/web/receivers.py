"""Whoever logs in or out by Django, at whatever page, begins or ends a visit (MW-03)."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.http import HttpRequest

from stytch_totp.web.visits import KEY, Visit


def connect() -> None:
    user_logged_in.connect(_begin, dispatch_uid="stytch_totp")
    user_logged_out.connect(_end, dispatch_uid="stytch_totp")


def _begin(*, request: HttpRequest | None, user: AbstractBaseUser, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        Visit(request, user).begin()


def _end(*, request: HttpRequest | None, user: AbstractBaseUser | None, **_: Any) -> None:
    if user is not None and request is not None and KEY in getattr(request, "session", {}):
        Visit(request, user).end()
