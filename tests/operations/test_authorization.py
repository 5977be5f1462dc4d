"""Contract 6.11: what a session's roles permit, of whom, and where."""

import pytest

from stytch_totp.core import rbac
from stytch_totp.errors import SessionAuthorization, SessionAuthorizationTenancy
from stytch_totp.operations import authorization
from tests.factories import OrganizationFactory, make_member
from tests.operations.situations import refusal, session_of

pytestmark = pytest.mark.django_db

OWN, OTHERS = ["update.info.delete.mfa-totp"], ["update.settings.roles"]


@pytest.fixture(params=[[], ["editor"], ["stytch_admin"], ["editor", "stytch_admin"]], ids=str)
def roles(request):
    return request.param


@pytest.fixture
def session(roles):
    return session_of(make_member(roles=roles), "password")


@pytest.fixture
def denied(roles):
    """What refuses an action that admins alone may do."""
    return None if "stytch_admin" in roles else SessionAuthorization


def test_an_organization_is_its_admins_to_change(session, denied):
    home = session.member.organization
    assert refusal(lambda: authorization.check_organization(session, home)) is denied


def test_te01_no_role_reaches_into_another_organization(session):
    elsewhere = OrganizationFactory.create()
    stranger = make_member(organization=elsewhere)
    for work in (
        lambda: authorization.check_organization(session, elsewhere),
        lambda: authorization.check_member(session, elsewhere, stranger, OWN),
        lambda: authorization.check_member(session, elsewhere, session.member, OWN),
        lambda: authorization.check_member(session, elsewhere, None, ["search"]),
        lambda: authorization.verdict(session, rbac.SELF, elsewhere),
    ):
        assert refusal(work) is SessionAuthorizationTenancy


@pytest.mark.parametrize(
    ("actions", "of_self"), [(OWN, True), (OTHERS, False), (OWN + OTHERS, False), ([], True)], ids=str
)
def test_a_member_acts_on_itself_and_an_admin_on_everybody(session, denied, actions, of_self):
    home = session.member.organization
    colleague = make_member(organization=home)

    def check(member):
        return refusal(lambda: authorization.check_member(session, home, member, actions))

    assert check(session.member) is (None if of_self else denied)
    assert check(colleague) is check(None) is denied


@pytest.mark.parametrize("resource", [rbac.ORGANIZATION, rbac.MEMBER, rbac.SELF, "documents"])
def test_an_authorization_check_names_the_roles_that_permit(session, roles, resource):
    granting = {
        rbac.ORGANIZATION: ["stytch_admin"],
        rbac.MEMBER: ["stytch_admin"],
        rbac.SELF: ["stytch_member", "stytch_admin"],
        "documents": [],
    }[resource]
    expected = [role for role in session.member.all_roles if role in granting]
    home = session.member.organization
    if expected:
        assert authorization.verdict(session, resource, home) == expected
    else:
        assert refusal(lambda: authorization.verdict(session, resource, home)) is SessionAuthorization
