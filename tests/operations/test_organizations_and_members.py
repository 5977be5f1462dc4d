"""What the API's own tests can't reach: rows that change between one statement and the next."""

import pytest

from stytch_totp import errors
from stytch_totp.models import Member, Organization
from stytch_totp.operations import enrolment, members, organizations, verification
from tests.factories import ACTOR, OrganizationFactory, code_of
from tests.operations.situations import begin, fresh

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_organization_deleted_since_it_was_found_is_not_changed(organization):
    organizations.delete(Organization.objects.get(), actor=ACTOR)
    with pytest.raises(errors.OrganizationNotFound):
        organizations.update(organization, name="New", actor=ACTOR)


def test_a_slug_taken_since_it_was_looked_up_is_refused_by_the_database(organization, monkeypatch):
    monkeypatch.setattr(organizations, "_check_unique", lambda _: None)
    with pytest.raises(errors.OrganizationSlugAlreadyUsed):
        organizations.create(name="Other", slug=organization.slug, actor=ACTOR)


def test_a_member_deleted_since_it_was_found_is_not_changed(member):
    members.delete(fresh(member), actor=ACTOR)
    with pytest.raises(errors.MemberNotFound):
        members.update(member, name="New", actor=ACTOR)


@pytest.mark.parametrize("status", ["pending", "deleted"])
def test_a_second_factor_is_for_active_members(enrolled, status):
    member, secret, _ = enrolled
    proof = begin(member)
    Member.objects.update(status=status)
    with pytest.raises(errors.OnlyForActiveMembers):
        verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)


def test_a_member_that_is_gone_while_its_code_is_accepted_is_not_let_in(enrolled, monkeypatch):
    member, secret, _ = enrolled
    proof = begin(member)
    settle = verification.attempts.settle

    def remove_and_settle(work):
        Member.objects.filter(pk=member.pk).delete()
        return settle(work)

    monkeypatch.setattr(verification.attempts, "settle", remove_and_settle)
    with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
        verification.authenticate(
            fresh(member), code=code_of(secret), proof=proof, set_mfa_enrollment="enroll", actor=ACTOR
        )


def test_the_consumer_directory_is_one_and_no_organization_of_the_b2b_api(db):
    directory = OrganizationFactory.create(kind="consumer", consumer_key="consumer", slug="consumers")
    for name in (f"organization-test-{directory.pk}", "consumers"):
        with pytest.raises(errors.OrganizationNotFound):
            organizations.resolve(name)


def test_codes_of_a_registration_that_is_gone_are_not_rotated(enrolled):
    member, _, _ = enrolled
    assert member.active_totp_id
    enrolment.delete(fresh(member), actor=ACTOR)
    with pytest.raises(errors.NoRecoveryCodeBackedFactor):
        enrolment.rotate_recovery_codes(member, actor=ACTOR)
