"""What pages alone ask for: the SDK's settings, and a place for its telemetry (contract 3.6 and 3.7)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.rbac import MEMBER_ROLES
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import conf
from stytch_totp.core import rbac


class BootstrapViewSet(StytchViewSet):
    def retrieve(self, request: Request, public_token: str) -> Response:
        if public_token not in conf().public_tokens:
            raise errors.PublicTokenNotFound
        return self.answer(
            project_name=conf().project_name,
            vertical=None,  # both: the SDK's clients complain of any word but their own
            disable_sdk_watermark=True,
            cname_domain=None,
            email_domains=[],
            captcha_settings={"enabled": False},
            pkce_required_for_email_magic_links=False,
            pkce_required_for_password_resets=False,
            pkce_required_for_oauth=False,
            pkce_required_for_sso=False,
            slug_pattern=None,
            create_organization_enabled=conf().discovery_creates_organizations,
            password_config=None,
            dfp_protected_auth_enabled=False,
            dfp_protected_auth_mode="OBSERVATION",
            rbac_policy=rbac.policy(*MEMBER_ROLES, rbac.USER_ROLE),
            siwe_required_for_crypto_wallets=False,
        )


class EventViewSet(StytchViewSet):
    """Telemetry is answered, as the SDK wants it, and neither read nor kept."""

    authentication_classes = ()

    def create(self, request: Request) -> Response:
        return self.answer()
