from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordChangeView
from django.urls import include, path
from django.views.i18n import set_language

from example_project import views
from stytch_totp.api.openapi import openapi
from stytch_totp.web.decorators import step_up

admin.site.password_change = step_up(300)(admin.site.password_change)  # type: ignore[method-assign]

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("settings/", views.settings, name="settings"),
    path("spa/", views.spa, name="spa"),
    path("mfa/", include("stytch_totp.web.urls")),
    # Django's own form, for who has shown a second factor in the last five minutes.
    path("accounts/password_change/", step_up(300)(PasswordChangeView.as_view()), name="password_change"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("i18n/setlang/", login_not_required(set_language), name="set_language"),
    path("admin/", admin.site.urls),
    path("openapi.json", openapi, name="openapi"),
    path("", include("stytch_totp.api.urls")),
]

handler400 = "stytch_totp.api.handlers.bad_request"
handler403 = "stytch_totp.api.handlers.permission_denied"
handler404 = "stytch_totp.api.handlers.page_not_found"
handler500 = "stytch_totp.api.handlers.server_error"
