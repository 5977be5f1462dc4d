"""System checks of a site: what is set up halfway guards nothing, so each half has an id of its own."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.module_loading import import_string

from stytch_totp.web.middleware import MFAMiddleware

_LOCAL_MEMORY = "django.core.cache.backends.locmem.LocMemCache"


@register(Tags.security)
def check_site(**_: Any) -> list[CheckMessage]:
    """Nothing to say of a host that serves the API alone."""
    ours = _first(MFAMiddleware)
    if ours is None:
        return list(_without_middleware())
    return [*_order(SessionMiddleware, ours), *_order(AuthenticationMiddleware, ours), *_pages(), *_sessions()]


def _first(kind: type) -> int | None:
    """Where in MIDDLEWARE a class or a subclass of it stands first."""
    found = enumerate(map(import_string, settings.MIDDLEWARE))
    return next((at for at, one in found if isinstance(one, type) and issubclass(one, kind)), None)


def _without_middleware() -> Iterator[CheckMessage]:
    hint = "Add stytch_totp.web.middleware.MFAMiddleware to MIDDLEWARE, behind AuthenticationMiddleware."
    if _is_served("stytch_totp:manage"):
        yield Warning(
            "The pages of stytch_totp are served, but nothing asks anybody for a second factor.",
            hint=hint,
            id="stytch_totp.middleware_missing",
        )
    elif _is_served("admin:index"):
        yield Warning(
            "Django's admin shows members and the audit trail to staff who have shown a password alone (AA-13).",
            hint=hint,
            id="stytch_totp.admin_without_middleware",
        )


def _is_served(name: str) -> bool:
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True


def _order(needed: type, ours: int) -> Iterator[CheckMessage]:
    place, name = _first(needed), needed.__name__
    if place is None or place > ours:
        yield Error(
            f"MFAMiddleware needs what {name} finds out, and stands before it or without it.",
            hint=f"Put {name} before stytch_totp.web.middleware.MFAMiddleware in MIDDLEWARE.",
            id=f"stytch_totp.middleware_without_{name.removesuffix('Middleware').lower()}",
        )


def _pages() -> Iterator[CheckMessage]:
    if not _is_served("stytch_totp:manage"):
        yield Error(
            "MFAMiddleware sends visitors to pages that your URLconf doesn't have.",
            hint='Add path("mfa/", include("stytch_totp.web.urls")) to your urlpatterns.',
            id="stytch_totp.pages_not_served",
        )
    yield from _login()
    try:
        get_template("stytch_totp/code_form.html")  # which hardly anybody overrides
    except TemplateDoesNotExist:
        yield Error(
            "The templates of stytch_totp are not found.",
            hint='Set "APP_DIRS": True for Django\'s template engine in TEMPLATES.',
            id="stytch_totp.templates_not_found",
        )


def _login() -> Iterator[CheckMessage]:
    told = {"hint": 'Set LOGIN_URL to the path or the name of your login page; "admin:login" is the admin\'s.'}
    try:
        path = resolve_url(settings.LOGIN_URL)
        if path.startswith("/"):
            resolve(path)
    except NoReverseMatch:
        yield Error("LOGIN_URL is no URL of yours: nobody could log in.", **told, id="stytch_totp.login_url")
    except Resolver404:
        yield Warning(
            "LOGIN_URL is a path that this site doesn't serve: whose visit has ended is led there.",
            **told,
            id="stytch_totp.login_url_not_served",
        )


def _sessions() -> Iterator[CheckMessage]:
    engine = settings.SESSION_ENGINE.rpartition(".")[2]
    if engine == "signed_cookies":
        yield Warning(
            "Sessions are kept in cookies: a copy of one outlives the logout, and counts for what is verified later.",
            hint="Set SESSION_ENGINE to one that keeps sessions on the server.",
            id="stytch_totp.sessions_in_cookies",
        )
    if engine == "cache" and settings.CACHES[settings.SESSION_CACHE_ALIAS]["BACKEND"] == _LOCAL_MEMORY:
        yield Warning(
            "Each server process keeps sessions of its own: visitors are asked for codes again and again.",
            hint="Set SESSION_ENGINE to the database's, or SESSION_CACHE_ALIAS to a cache that processes share.",
            id="stytch_totp.sessions_in_local_memory",
        )
