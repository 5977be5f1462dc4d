"""An operation goes by how things stand when it decides, not when it began."""

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection

from stytch_totp import errors
from stytch_totp.core.factors import factor
from stytch_totp.models import Guard, Member, Organization, Session, SigningKey
from stytch_totp.operations import (
    attempts,
    grants,
    hashes,
    members,
    organizations,
    passwords,
    recovery,
    signing,
    verification,
)
from tests.factories import ACTOR, code_of
from tests.operations.situations import authenticate, begin, budget, find, fresh, session_of

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"


@pytest.fixture
def known(member):
    Member.objects.filter(pk=member.pk).update(password=make_password(PASSWORD))
    return fresh(member)


def log_in(member, **options):
    return passwords.authenticate(
        member.organization, email=member.email, password=PASSWORD, proof=None, actor=ACTOR, **options
    )


def meanwhile(monkeypatch, happens):
    """Let something happen while the password is hashed."""
    check = passwords._check

    def check_slowly(*args):
        found = check(*args)
        happens()
        return found

    monkeypatch.setattr(passwords, "_check", check_slowly)


@pytest.mark.parametrize(
    "happens",
    [
        lambda: members.delete(fresh(Member.objects.get()), actor=ACTOR),
        lambda: organizations.delete(Organization.objects.get(), actor=ACTOR),
        lambda: Member.objects.update(password=make_password("a new password")),
    ],
    ids=["the member is deleted", "the organization is deleted", "the password is changed"],
)
def test_a_login_that_was_overtaken_is_refused(known, monkeypatch, happens):
    meanwhile(monkeypatch, happens)
    with pytest.raises(errors.UnauthorizedCredentials):
        log_in(known)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "happens",
    [
        lambda: Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL"),
        lambda: Member.objects.update(mfa_enrolled=True),
    ],
    ids=["the policy", "the member's enrolment"],
)
def test_what_requires_mfa_counts_when_the_login_is_decided(known, monkeypatch, happens):
    meanwhile(monkeypatch, happens)
    done = log_in(known)
    assert (done.granted, done.mfa_owed) == (None, True)


def test_a_pending_member_stays_pending_while_the_primary_requirement_is_not_met(known):
    Member.objects.update(status="pending")
    Organization.objects.update(auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    assert not log_in(fresh(known)).primary_met
    assert fresh(known).status == "pending"


@pytest.mark.parametrize("rotates", [True, False])
def test_a_jwt_from_before_the_second_factor_is_not_worth_the_factor(member, configure, clock, rotates):
    configure(ROTATE_SESSION_TOKEN=rotates)
    session = session_of(member, "password")
    old = signing.mint(session)
    clock.advance(1800)
    draft = grants.draft(
        member, session, grants.with_factor(session, factor("totp", member.pk, int(clock()))), actor=ACTOR
    )
    draft.write()
    if rotates:
        with pytest.raises(errors.SessionNotFound):
            authenticate(session_jwt=old)
    else:
        assert authenticate(session_jwt=old)
    assert authenticate(session_jwt=draft.granted.jwt)


def test_a_session_of_a_deleted_member_is_none(member):
    token = session_of(member, "password").reveal()
    Member.objects.update(status="deleted")
    with pytest.raises(errors.SessionNotFound):
        find(session_token=token)


def test_bad_claims_are_refused_before_anything_is_charged(enrolled, monkeypatch):
    member, secret, codes = enrolled
    Member.objects.update(password=make_password(PASSWORD))
    for work in (
        lambda: verification.authenticate(
            member, code=code_of(secret), proof=begin(member), claims={"sub": 1}, actor=ACTOR
        ),
        lambda: recovery.recover(member, code=codes[0], proof=begin(member), claims={"sub": 1}, actor=ACTOR),
        lambda: log_in(fresh(member), claims={"sub": 1}),
    ):
        with pytest.raises(errors.ReservedClaims):
            work()
    assert {budget(member, kind) for kind in Guard.Kind} == {(0, 0)}


def test_dj03_without_autocommit_nothing_is_judged(member, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "AUTOCOMMIT", False)
    with pytest.raises(ImproperlyConfigured):
        attempts.charge(member, Guard.Kind.TOTP, None, ACTOR)


def test_a_guard_that_is_gone_charges_nobody_and_locks_nobody(member):
    assert member.guard_by_kind
    Guard.objects.all().delete()
    for one in (member, fresh(member)):
        with pytest.raises(errors.MemberNotFound):
            attempts.charge(one, Guard.Kind.TOTP, None, ACTOR)


def test_a_signing_key_outlives_a_login_that_was_rolled_back(known, monkeypatch):
    write = grants.Draft.write
    monkeypatch.setattr(grants.Draft, "write", lambda self: (_ for _ in ()).throw(errors.ServiceUnavailable()))
    with pytest.raises(errors.ServiceUnavailable):
        log_in(known)
    monkeypatch.setattr(grants.Draft, "write", write)
    assert authenticate(session_jwt=log_in(known).granted.jwt)
    assert SigningKey.objects.count() == 1


@pytest.mark.parametrize(("failures", "gone"), [(1, True), (5, False)])
def test_an_organization_whose_rows_are_in_use_is_removed_at_another_try(member, monkeypatch, failures, gone):
    rows = type(Organization.objects.all())
    delete, tries = rows.delete, []

    def in_use(self):
        tries.append(1)
        if len(tries) <= failures:
            raise IntegrityError
        return delete(self)

    monkeypatch.setattr(rows, "delete", in_use)
    if gone:
        organizations.delete(member.organization, actor=ACTOR)
    else:
        with pytest.raises(errors.ServiceUnavailable):
            organizations.delete(member.organization, actor=ACTOR)
    assert Organization.objects.exists() is not gone
    assert not Member.objects.exclude(status="deleted").exists()


def test_no_clear_secret_stands_in_a_repr(known):
    granted = log_in(known).granted
    assert granted.token not in repr(granted)
    assert granted.jwt not in repr(granted)
    begun = passwords.LoggedIn(known, None, "an-intermediate-token")
    assert "an-intermediate-token" not in repr(begun)


def test_a_hash_imported_again_while_the_password_is_checked_is_not_overwritten(member, monkeypatch):
    encoded = hashes.encode("bcrypt", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), {})
    other = hashes.encode("bcrypt", bcrypt.hashpw(b"another password", bcrypt.gensalt(4)).decode(), {})
    Member.objects.update(password=encoded)
    verify = hashes.verify

    def verify_slowly(*args):
        found = verify(*args)
        Member.objects.update(password=other)
        return found

    monkeypatch.setattr(hashes, "verify", verify_slowly)
    with pytest.raises(errors.UnauthorizedCredentials):
        log_in(fresh(member))
    assert Member.objects.get().password == other


def test_an_organization_deleted_since_it_was_found_gets_no_member(organization):
    organizations.delete(Organization.objects.get(), actor=ACTOR)
    with pytest.raises(errors.OrganizationNotFound):
        members.create(organization, email="late@example.com", actor=ACTOR)
