"""The RBAC policies that SDKs fetch to judge a JWT's roles by themselves (contract 1.9)."""

from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp.api.views import StytchViewSet
from stytch_totp.core import rbac
from stytch_totp.operations import organizations

MEMBER_ROLES = (rbac.MEMBER_ROLE, rbac.ADMIN_ROLE)


class PolicyViewSet(StytchViewSet):
    def of_members(self, request: Request) -> Response:
        return self.answer(policy=rbac.policy(*MEMBER_ROLES))

    def of_organization(self, request: Request, organization_id: str) -> Response:
        organizations.resolve(organization_id)
        return self.answer(org_policy={"roles": []})

    def of_users(self, request: Request) -> Response:
        return self.answer(policy=rbac.policy(rbac.USER_ROLE))
