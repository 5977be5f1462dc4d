import itertools

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

from stytch_totp import errors
from stytch_totp.core.factors import factor
from stytch_totp.models import IntermediateSession, Member, Organization, Session
from stytch_totp.operations import hashes, passwords, verification
from tests.factories import ACTOR, code_of, enrol, make_member
from tests.operations.situations import begin, budget, fresh, present, session_of

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery"


@pytest.fixture
def member(member):
    Member.objects.filter(pk=member.pk).update(password=make_password(PASSWORD))
    return fresh(member)


def log_in(member, password=PASSWORD, proof=None, **options):
    return passwords.authenticate(
        member.organization, email=member.email, password=password, proof=proof, actor=ACTOR, **options
    )


@pytest.mark.parametrize(
    ("mfa_policy", "mfa_enrolled", "shown"),
    list(itertools.product(("OPTIONAL", "REQUIRED_FOR_ALL"), (False, True), ("nothing", "session", "stepped up"))),
)
def test_mfa_is_needed_by_policy_or_enrolment_unless_a_session_of_the_member_is_shown(
    member, mfa_policy, mfa_enrolled, shown
):
    Organization.objects.update(mfa_policy=mfa_policy)
    Member.objects.update(mfa_enrolled=mfa_enrolled)
    proof = {
        "nothing": lambda: None,
        "session": lambda: session_of(member, "password"),
        "stepped up": lambda: session_of(member, "password", "totp"),
    }[shown]()
    done = log_in(fresh(member), proof=proof)
    owed = shown == "nothing" and (mfa_policy == "REQUIRED_FOR_ALL" or mfa_enrolled)
    assert (done.granted is None, done.mfa_owed, bool(done.intermediate_session_token)) == (owed, owed, owed)
    if proof:
        assert done.granted.session.pk == proof.pk


def test_a_password_joins_an_intermediate_session_and_owes_what_it_owed(member):
    Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL")
    token = log_in(fresh(member)).intermediate_session_token
    proof = present(intermediate_session_token=token)
    done = log_in(fresh(member), proof=proof, intermediate_session_token=token)
    assert (done.granted, done.intermediate_session_token) == (None, token)
    assert IntermediateSession.objects.get().failures == 0


def test_an_intermediate_session_with_nothing_left_to_owe_becomes_a_session(member):
    proof = begin(member)
    done = log_in(member, proof=proof, intermediate_session_token="given")
    assert done.granted is not None
    assert IntermediateSession.objects.get(pk=proof.pk).used_at is not None


@pytest.mark.parametrize(("breakglass", "met"), [(False, False), (True, True)])
def test_a_restricted_primary_method_is_not_enough(member, breakglass, met):
    Organization.objects.update(auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    Member.objects.update(is_breakglass=breakglass)
    done = log_in(fresh(member))
    assert (done.primary_met, done.granted is not None, done.mfa_owed) == (met, met, False)
    if not met:
        secret, _ = enrol(fresh(member))
        proof = present(intermediate_session_token=done.intermediate_session_token)
        with pytest.raises(errors.PrimaryAuthenticationRequired):
            verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)


def test_unknown_addresses_missing_passwords_and_wrong_ones_answer_alike(member):
    make_member(organization=member.organization, email="nopassword@example.com")
    for email in (member.email, "nopassword@example.com", "nobody@example.com"):
        with pytest.raises(errors.UnauthorizedCredentials) as refused:
            passwords.authenticate(member.organization, email=email, password="wrong password", proof=None, actor=ACTOR)
        assert str(refused.value) == errors.UnauthorizedCredentials.message


def test_an_address_is_compared_without_case(member):
    Member.objects.update(email="Ada@Example.com", email_key="ada@example.com")
    assert log_in(fresh(member)).granted
    done = passwords.authenticate(
        member.organization, email="aDA@eXAMPLE.COM", password=PASSWORD, proof=None, actor=ACTOR
    )
    assert done.member.email == "Ada@Example.com"


def test_wrong_passwords_lock_passwords_and_nothing_else(member):
    for _ in range(10):
        with pytest.raises(errors.UnauthorizedCredentials):
            log_in(member, "wrong password")
    with pytest.raises(errors.Locked):
        log_in(member)
    assert (budget(member, "password"), budget(member, "totp")) == ((10, 1), (0, 0))


def test_a_right_password_empties_the_budget_and_activates_a_pending_member(member):
    Member.objects.update(status="pending")
    with pytest.raises(errors.UnauthorizedCredentials):
        log_in(fresh(member), "wrong password")
    assert log_in(fresh(member)).member.status == "active"
    assert fresh(member).status == "active"
    assert budget(member, "password") == (0, 0)


def test_somebody_elses_session_cannot_be_logged_into(member):
    other = session_of(make_member(organization=member.organization), "password")
    with pytest.raises(errors.MemberMismatch):
        log_in(member, proof=other)
    assert budget(member, "password") == (0, 0)


def test_duration_and_claims_wait_for_the_second_factor(member):
    Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL")
    log_in(fresh(member), minutes=500, claims={"a": 1})
    assert not Session.objects.exists()
    Organization.objects.update(mfa_policy="OPTIONAL")
    done = log_in(fresh(member), minutes=500, claims={"a": 1})
    assert done.granted.session.expires_at == 1_800_000_000 + 500 * 60
    assert done.granted.session.claims == {"a": 1}


class TestLinkedDjangoUser:
    """A member who is a Django user has that user's password and no other."""

    @pytest.fixture
    def user(self, member):
        user = User.objects.create_user("ada", password="the user's own password")
        Member.objects.filter(pk=member.pk).update(user=user, password="")
        return user

    def test_the_users_password_is_the_members(self, member, user):
        assert log_in(member, "the user's own password").granted
        with pytest.raises(errors.UnauthorizedCredentials):
            log_in(member, PASSWORD)

    def test_a_deactivated_user_is_not_let_in(self, member, user):
        User.objects.update(is_active=False)
        with pytest.raises(errors.UnauthorizedCredentials):
            log_in(member, "the user's own password")

    def test_a_hash_is_not_imported_beside_it(self, member, user):
        with pytest.raises(errors.UnsupportedHash):
            passwords.migrate(member.organization, email=member.email, encoded="imported$x", actor=ACTOR)


def test_an_imported_hash_becomes_one_of_the_sites_own_at_the_first_login(organization):
    digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    encoded = hashes.encode("bcrypt", digest, {})
    member, created = passwords.migrate(organization, email="new@example.com", encoded=encoded, actor=ACTOR, name="New")
    assert (created, member.name, hashes.is_imported(member.password)) == (True, "New", True)
    with pytest.raises(errors.UnauthorizedCredentials):
        log_in(member, "wrong password")
    assert log_in(member).granted
    assert not hashes.is_imported(fresh(member).password)
    assert log_in(member).granted
    again, created = passwords.migrate(organization, email="NEW@example.com", encoded=encoded, actor=ACTOR)
    assert (again.pk, created) == (member.pk, False)


def test_strength_is_what_the_sites_validators_say():
    assert passwords.measure("a long and unusual sentence").valid
    weak = passwords.measure("short")
    assert not weak.valid
    assert weak.problems


def test_a_factor_is_stored_with_its_time(member, clock):
    assert log_in(member).granted.session.factors == [factor("password", None, int(clock()))]
