"""Which views owe no second factor. Everything else does: what nobody thought of is guarded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.contrib.staticfiles.views import serve as serve_static
from django.http import HttpRequest
from django.views.i18n import JavaScriptCatalog, JSONCatalog, set_language
from django.views.static import serve

#: Nobody needs a factor to leave, and translations tell nothing.
_CLASSES = (LogoutView, JavaScriptCatalog, JSONCatalog)
_FUNCTIONS = (set_language, serve_static)
_OF_ADMIN = frozenset({"logout", "jsi18n"})


def is_exempt(request: HttpRequest, view: Callable[..., Any], kwargs: dict[str, Any]) -> bool:
    """Whether the resolved ``view`` is open: marked by ``mfa_exempt`` or Django's ``login_not_required``, or one that
    logs out, translates, or serves static files.
    """
    # Django REST framework marks each of its views as login_not_required, to judge by itself: that says nothing here.
    of_drf = hasattr(view, "cls")
    if getattr(view, "mfa_exempt", False) or not (getattr(view, "login_required", True) or of_drf):
        return True
    if is_admin(request):
        match: Any = request.resolver_match
        return hasattr(view, "admin_site") and match.url_name in _OF_ADMIN
    if view is serve:
        return _is_static(kwargs.get("document_root"))  # the same view serves what users have uploaded
    return view in _FUNCTIONS or issubclass(getattr(view, "view_class", object), _CLASSES)


def is_admin(request: HttpRequest) -> bool:
    """Whether the view is one of an AdminSite's, whatever its instance is called."""
    return request.resolver_match is not None and "admin" in request.resolver_match.app_names


def _is_static(document_root: Any) -> bool:
    root = settings.STATIC_ROOT
    return bool(root and document_root) and Path(document_root).resolve() == Path(root).resolve()
