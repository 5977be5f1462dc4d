from django.urls import include, path

urlpatterns = [
    path("", include("stytch_totp.api.urls")),
]

handler400 = "stytch_totp.api.handlers.bad_request"
handler403 = "stytch_totp.api.handlers.permission_denied"
handler404 = "stytch_totp.api.handlers.page_not_found"
handler500 = "stytch_totp.api.handlers.server_error"
