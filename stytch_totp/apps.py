from django.apps import AppConfig

from stytch_totp import checks, cors  # noqa: F401 - checks register themselves


class StytchTOTPConfig(AppConfig):
    name = "stytch_totp"
    label = "stytch_totp"
    verbose_name = "Multi-factor authentication"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        cors.connect()
