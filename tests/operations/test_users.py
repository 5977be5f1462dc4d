"""Plain Users: the same operations, where nobody owes MFA and nobody has a session unasked."""

import pytest
from django.contrib.auth.hashers import check_password

from stytch_totp import errors
from stytch_totp.models import AuditEvent, IntermediateSession, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import enrolment, organizations, passwords, recovery, verification
from tests.factories import ACTOR, code_of, enrol
from tests.operations.situations import BROWSER, aged, budget, find, fresh, person, refusal, session_of, user

pytestmark = pytest.mark.django_db

PASSWORD = "a long and unusual sentence"


def create(**options):
    return passwords.create(**{"email": "ada@example.com", "password": PASSWORD, "actor": ACTOR, **options})


class TestANewUserWithAPassword:
    def test_it_is_active_and_has_no_session_unless_asked_for(self):
        made = create(name="Ada")
        assert (made.granted, made.intermediate_session_token) == (None, "")
        assert (made.member.is_consumer, made.member.status, made.member.name) == (True, "active", "Ada")
        assert check_password(PASSWORD, fresh(made.member).password)
        assert not Session.objects.exists()
        tags = list(AuditEvent.objects.order_by("pk").values_list("tag", flat=True))
        assert tags == ["member:member:created", "member:password:created"]

    def test_a_session_is_made_if_minutes_are_given(self):
        made = create(minutes=5, claims={"plan": "free"}, actor=BROWSER)
        session = find(session_token=made.granted.token)
        assert (session.expires_at, session.claims) == (1_800_000_300, {"plan": "free"})
        assert [one["type"] for one in session.factors] == ["password"]

    @pytest.mark.parametrize(
        ("options", "refused"),
        [
            ({"password": "short"}, errors.WeakPassword),
            ({"password": "12345678901"}, errors.WeakPassword),
            ({"claims": {"sub": "x"}}, errors.ReservedClaims),
            ({"email": "no address"}, errors.InvalidEmail),
            ({"email": ""}, errors.InvalidEmail),
        ],
        ids=str,
    )
    def test_one_that_is_refused_leaves_nothing(self, options, refused):
        assert refusal(lambda: create(minutes=5, **options)) is refused
        assert not Member.objects.exists()
        assert not Session.objects.exists()

    def test_a_weak_password_is_told_what_it_lacks(self):
        with pytest.raises(errors.WeakPassword, match="too short"):
            create(password="short")

    def test_an_address_belongs_to_one_user_and_may_be_a_members_too(self):
        person(email="ada@example.com")
        create()
        assert refusal(lambda: create(email="ADA@example.com")) is errors.DuplicateMemberEmail
        assert Member.objects.count() == 2

    @pytest.mark.parametrize("policy", ["OPTIONAL", "REQUIRED_FOR_ALL"])
    def test_no_policy_gives_a_user_an_intermediate_session(self, policy):
        organizations.consumer()
        Organization.objects.update(mfa_policy=policy)
        made = create(minutes=5, mfa_enrolled=True)
        assert made.granted
        assert not IntermediateSession.objects.exists()


class TestAUserWhoLogsIn:
    @pytest.fixture
    def ada(self):
        return create().member

    def log_in(self, ada, password=PASSWORD, proof=None, **options):
        return passwords.authenticate(
            ada.organization, email=ada.email, password=password, proof=proof, actor=ACTOR, **options
        )

    @pytest.mark.parametrize("policy", ["OPTIONAL", "REQUIRED_FOR_ALL"])
    @pytest.mark.parametrize("minutes", [None, 5])
    def test_a_right_password_is_a_session_if_asked_for_and_never_half_of_one(self, ada, policy, minutes):
        Organization.objects.update(mfa_policy=policy)
        Member.objects.update(mfa_enrolled=True, status="pending")
        done = self.log_in(fresh(ada), minutes=minutes)
        assert ((done.granted is not None), done.mfa_owed) == (minutes is not None, False)
        assert fresh(ada).status == "active"
        assert not IntermediateSession.objects.exists()
        assert Session.objects.count() == (minutes is not None)

    def test_a_session_that_is_shown_goes_on(self, ada):
        proof = session_of(ada, "password")
        assert self.log_in(ada, proof=proof).granted.session.pk == proof.pk

    def test_wrong_passwords_lock(self, ada):
        for _ in range(10):
            assert refusal(lambda: self.log_in(ada, "wrong")) is errors.UnauthorizedCredentials
        assert refusal(lambda: self.log_in(ada)) is errors.Locked
        assert budget(ada, "password") == (10, 1)


class TestAUsersSecondFactor:
    @pytest.fixture
    def ada(self):
        return user(status="pending")

    def test_the_first_factor_that_is_shown_makes_a_pending_user_active(self, ada):
        made = enrolment.create(ada, proof=None, actor=ACTOR, minutes=enrolment.USER_MINUTES)
        assert made.registration.expires_at == 1_800_000_000 + 86_400
        assert fresh(ada).status == "pending"
        done = verification.authenticate(fresh(ada), code=code_of(made.secret), proof=None, actor=ACTOR)
        assert (done.granted, done.member.status, fresh(ada).status) == (None, "active", "active")
        assert TOTPRegistration.objects.get().state == "active"

    def test_a_code_is_spent_even_if_no_session_comes_of_it(self, ada):
        secret, codes = enrol(ada)

        def confirm(**options):
            return verification.authenticate(fresh(ada), code=code_of(secret), proof=None, actor=ACTOR, **options)

        def recover(**options):
            return recovery.recover(fresh(ada), code=codes[0], proof=None, actor=ACTOR, **options)

        assert confirm().granted is None
        assert refusal(lambda: confirm(minutes=5)) is errors.TOTPCodeAlreadyAuthenticated
        assert (recover().granted, recovery.RecoveryCode.objects.filter(used_at=None).count()) == (None, 9)
        assert refusal(lambda: recover(minutes=5)) is errors.UnableToAuthenticateRecoveryCode
        assert not Session.objects.exists()

    @pytest.mark.parametrize("by", ["code", "recovery code"])
    def test_a_session_is_made_if_asked_for_and_stepped_up_if_shown(self, ada, by, clock):
        secret, codes = enrol(ada)
        kind = "totp" if by == "code" else "recovery_codes"

        def show(number, **options):
            operation, code = (
                (verification.authenticate, code_of(secret)) if by == "code" else (recovery.recover, codes[number])
            )
            return operation(fresh(ada), code=code, actor=ACTOR, **options).granted

        alone = show(0, proof=None, minutes=5)
        assert [one["type"] for one in alone.session.factors] == [kind]
        clock.advance(30)
        proof = session_of(ada, "password")
        stepped_up = show(1, proof=proof)
        assert stepped_up.session.pk == proof.pk
        assert [one["type"] for one in stepped_up.session.factors] == ["password", kind]

    def test_somebody_elses_session_is_not_stepped_up(self, ada, member):
        secret, _ = enrol(ada)
        for other in (user(), member):
            proof = session_of(other, "password")
            confirm = lambda proof=proof: verification.authenticate(  # noqa: E731
                fresh(ada), code=code_of(secret), proof=proof, actor=ACTOR
            )
            assert refusal(confirm) is errors.MemberMismatch
        assert budget(ada, "totp") == (0, 0)

    @pytest.mark.parametrize("pending", [True, False])
    def test_codes_of_a_pending_totp_are_shown_if_asked_for(self, ada, pending):
        made = enrolment.create(ada, proof=None, actor=ACTOR)

        def show():
            return enrolment.show_recovery_codes(fresh(ada), actor=ACTOR, pending=pending)

        if pending:
            ((registration, codes),) = show()
            assert (registration, codes) == (made.registration, made.recovery_codes)
        else:
            assert refusal(show) is errors.RecoveryCodesNotFound

    def test_an_app_shows_the_projects_name_alone(self, ada):
        made = enrolment.create(ada, proof=None, actor=ACTOR)
        assert enrolment.issuer(made.member) == "Example"

    @pytest.mark.parametrize(("age", "refused"), [(600, None), (601, errors.StaleFactors)])
    def test_en12_the_first_totp_of_a_user_at_a_page_needs_a_fresh_password(self, ada, age, refused):
        proof = aged(ada, password=age)
        assert refusal(lambda: enrolment.create(fresh(ada), proof=proof, actor=BROWSER)) is refused
