"""``b2b/discovery``: logins that begin without an organization (contract 1.11)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp import errors
from stytch_totp.api.b2b.base import B2BViewSet, discovery_fields, login_fields
from stytch_totp.api.b2b.organizations import COLUMNS, OrganizationInput, with_invites
from stytch_totp.api.inputs import Credentials, SessionWishes, Text
from stytch_totp.api.views import reads
from stytch_totp.conf import conf
from stytch_totp.operations import discovery, organizations, sessions
from stytch_totp.operations.attempts import Proof


class BegunInput(SessionWishes):
    """A login that is under way."""

    intermediate_session_token = Text(shortest=1, error=errors.InvalidSessionToken)


class ExchangeInput(BegunInput):
    organization_id = Text(shortest=1)


class FoundedInput(OrganizationInput):
    """An organization as its first member founds it."""

    claimed_email_domains = None  # type: ignore[assignment]  # how a serializer leaves a field out


class DiscoveryViewSet(B2BViewSet):
    @reads(Credentials)
    def list(self, request: Request) -> Response:
        found = discovery.memberships(self.caller.proof(self.kind, self.read(), self.actor))
        return self.answer(**discovery_fields(found), organization_id_hint=None)

    @reads(BegunInput, FoundedInput)
    def create(self, request: Request) -> Response:
        if not self.caller.vouches and not conf().discovery_creates_organizations:
            raise errors.EndpointNotAuthorized
        data, fields = self.read_each()
        done = discovery.create_organization(
            self._begun(data),
            **self.caller.wishes(data),
            **self.columns(with_invites(fields), COLUMNS),
            actor=self.actor,
        )
        return self.answer(**login_fields(done))

    @reads(ExchangeInput)
    def exchange(self, request: Request) -> Response:
        data = self.read()
        tenant = organizations.resolve(data["organization_id"])
        done = discovery.exchange(self._begun(data), tenant, **self.caller.wishes(data), actor=self.actor)
        return self.answer(**login_fields(done))

    def _begun(self, data: dict[str, Any]) -> Proof:
        token = data["intermediate_session_token"]
        return sessions.present(self.kind, intermediate_session_token=token, actor=self.actor)
