from django.apps import AppConfig


class StytchTOTPConfig(AppConfig):
    name = "stytch_totp"
    label = "stytch_totp"
    verbose_name = "Multi-factor authentication"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from stytch_totp import checks  # noqa: F401 - registers the system checks
