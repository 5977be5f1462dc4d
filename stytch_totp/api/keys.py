"""``…/sessions/jwks/{project_id}``: one key set for both products (contract 5.4)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.objects import key_object
from stytch_totp.api.views import StytchViewSet
from stytch_totp.conf import conf
from stytch_totp.operations import signing

JWKS_SECONDS = 300


class KeySetViewSet(StytchViewSet):
    """Public: verifiers fetch it without credentials (contract 0.5), and caches may keep it."""

    authentication_classes = ()
    cache_control = f"public, max-age={JWKS_SECONDS}"

    def list(self, request: Request, project_id: str) -> Response:
        if project_id != conf().project_id:
            raise errors.ProjectNotFound
        return self.answer(keys=[key_object(key) for key in signing.key_set()])
