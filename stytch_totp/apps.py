from django.apps import AppConfig

from stytch_totp import checks  # noqa: F401 - imported to register them


class StytchTOTPConfig(AppConfig):
    name = "stytch_totp"
    label = "stytch_totp"
    verbose_name = "Multi-factor authentication"
    default_auto_field = "django.db.models.BigAutoField"
