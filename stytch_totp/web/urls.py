"""The pages: ``path("mfa/", include("stytch_totp.web.urls"))``."""

from django.urls import path

from stytch_totp.web import views

app_name = "stytch_totp"
urlpatterns = [
    path("", views.Manage.as_view(), name="manage"),
    path("enrol/", views.Enrol.as_view(), name="enrol"),
    path("verify/", views.Verify.as_view(), name="verify"),
    path("recover/", views.Recover.as_view(), name="recover"),
    path("codes/", views.Codes.as_view(), name="codes"),
    path("codes/download/", views.DownloadCodes.as_view(), name="download_codes"),
    path("remove/", views.Remove.as_view(), name="remove"),
    path("organizations/", views.Switch.as_view(), name="switch"),
    path("log-in-again/", views.LogInAgain.as_view(), name="log_in_again"),
]
