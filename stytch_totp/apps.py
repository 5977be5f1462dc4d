from django.apps import AppConfig

from stytch_totp import checks as _checks  # noqa: F401 - its checks register themselves
from stytch_totp import cors


class StytchTOTPConfig(AppConfig):
    name = "stytch_totp"
    label = "stytch_totp"
    verbose_name = "Multi-factor authentication"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from stytch_totp import notifications  # noqa: PLC0415 - it needs the models
        from stytch_totp.web import checks, receivers  # noqa: F401, PLC0415 - they need the models

        cors.connect()
        receivers.connect()
        notifications.connect()
