"""What a page's session must have shown lately: decision tables with ages to the second, then the operations."""

from itertools import product
from uuid import UUID

import pytest

from stytch_totp import errors
from stytch_totp.conf import now
from stytch_totp.core.factors import factor
from stytch_totp.errors import InsufficientFactors, StaleFactors
from stytch_totp.models import IntermediateSession, Member, Organization, RecoveryCode, Session, TOTPRegistration
from stytch_totp.operations import enrolment, members, organizations, standing, verification
from stytch_totp.operations.audit import SYSTEM, Actor
from tests.factories import ACTOR, code_of, enrol
from tests.operations.situations import (
    BROWSER,
    CONSUMER,
    TENANT,
    aged,
    begin,
    budget,
    fresh,
    refusal,
    session_of,
    user,
)

AGES = 10**6
VOUCHING = [ACTOR, SYSTEM, Actor("member", "member-test-x")]


def shown(ages, *, kind=TENANT, made=Session):
    """A proof whose factors were shown so many seconds ago; no rows."""
    if ages is None:
        return None
    member = Member(organization=Organization(kind=kind))
    return made(member=member, factors=[factor(name, None, now() - age) for name, age in ages.items()])


# EN-12


@pytest.mark.parametrize(
    ("minutes", "ages", "refused"),
    [
        (10, None, InsufficientFactors),
        (10, {}, InsufficientFactors),
        (10, {"password": 0}, None),
        (10, {"password": 600}, None),
        (10, {"password": 601}, StaleFactors),
        (10, {"password": 660}, StaleFactors),
        (10, {"totp": 0}, InsufficientFactors),
        (10, {"recovery_codes": 0}, InsufficientFactors),
        (10, {"password": 601, "totp": 0}, StaleFactors),
        (10, {"password": 600, "totp": AGES}, None),
        (1, {"password": 60}, None),
        (1, {"password": 61}, StaleFactors),
        (0, {"password": AGES}, None),
        (0, {"totp": 0}, InsufficientFactors),
        (0, None, InsufficientFactors),
    ],
)
@pytest.mark.parametrize("proofs", [{}, {"made": IntermediateSession}, {"kind": CONSUMER}], ids=str)
def test_en12_a_factor_is_added_soon_after_a_primary_one(configure, proofs, minutes, ages, refused):
    configure(ENROLMENT_MINUTES=minutes)
    assert refusal(lambda: standing.check_may_add_factor(shown(ages, **proofs), BROWSER)) is refused


# EN-13, RC-04, RC-05: both second factors, or a TOTP alone, at a Member's page

SECOND = [
    (10, None, InsufficientFactors),
    (10, {"password": 0}, InsufficientFactors),
    (10, {"totp": 0}, None),
    (10, {"password": AGES, "totp": 600}, None),
    (10, {"password": 0, "totp": 601}, StaleFactors),
    (10, {"totp": 660}, StaleFactors),
    (10, {"totp": 0, "recovery_codes": 0}, None),
    (10, {"totp": 600, "recovery_codes": AGES}, None),
    (5, {"totp": 300}, None),
    (5, {"totp": 301}, StaleFactors),
    (0, {"totp": AGES}, None),
    (0, {"password": 0}, InsufficientFactors),
    (0, None, InsufficientFactors),
]
#: With a recovery code, where it does and where it doesn't.
RECOVERED = [
    (10, {"recovery_codes": 0}, None, InsufficientFactors),
    (10, {"password": 0, "recovery_codes": 600}, None, InsufficientFactors),
    (10, {"password": 0, "recovery_codes": 601}, StaleFactors, InsufficientFactors),
    (10, {"totp": 601, "recovery_codes": 0}, None, StaleFactors),
    (10, {"totp": 601, "recovery_codes": 601}, StaleFactors, StaleFactors),
    (0, {"recovery_codes": AGES}, None, InsufficientFactors),
]
ENOUGH = [(minutes, ages, enough) for minutes, ages, enough, _ in RECOVERED]
NOT_ENOUGH = [(minutes, ages, not_enough) for minutes, ages, _, not_enough in RECOVERED]


@pytest.mark.parametrize(("minutes", "ages", "refused"), SECOND + ENOUGH)
def test_en13_a_factor_is_removed_soon_after_a_second_one(configure, minutes, ages, refused):
    configure(STEP_UP_MINUTES=minutes)
    assert refusal(lambda: standing.check_may_remove_factor(shown(ages), BROWSER)) is refused


@pytest.mark.parametrize(("minutes", "ages", "refused"), SECOND + NOT_ENOUGH)
def test_rc04_rc05_codes_are_seen_soon_after_a_totp_code_and_not_after_one_of_themselves(
    configure, minutes, ages, refused
):
    configure(STEP_UP_MINUTES=minutes)
    assert refusal(lambda: standing.check_may_see_codes(shown(ages), BROWSER)) is refused


@pytest.mark.parametrize(("minutes", "ages", "refused"), SECOND + ENOUGH)
def test_rc05_a_site_may_let_one_code_show_the_others_as_stytch_does(configure, minutes, ages, refused):
    configure(STEP_UP_MINUTES=minutes, RECOVERY_SHOWS_CODES=True)
    assert refusal(lambda: standing.check_may_see_codes(shown(ages), BROWSER)) is refused


# Contract 6.7: a User's session has factors of two categories, one of them younger than an hour


@pytest.mark.parametrize(
    ("minutes", "ages", "refused"),
    [
        (10, {"totp": 0}, InsufficientFactors),
        (10, {"password": 0}, InsufficientFactors),
        (10, {"password": AGES, "totp": 600}, None),
        (10, {"password": 0, "totp": 601}, StaleFactors),
        (0, {"totp": 0}, InsufficientFactors),
        (0, {"password": 0}, InsufficientFactors),
        (0, {"password": AGES, "totp": 3599}, None),
        (0, {"password": 3599, "totp": AGES}, None),
        (0, {"password": AGES, "totp": 3600}, StaleFactors),
        (0, {"password": 3600, "totp": AGES}, StaleFactors),
        (120, {"password": 3600, "totp": 3600}, StaleFactors),
        (120, {"password": 3599, "totp": 7200}, None),
        (120, {"password": 3599, "totp": 7201}, StaleFactors),
    ],
)
@pytest.mark.parametrize("check", [standing.check_may_remove_factor, standing.check_may_see_codes])
def test_a_user_needs_two_categories_of_which_one_is_fresh(configure, check, minutes, ages, refused):
    configure(STEP_UP_MINUTES=minutes)
    assert refusal(lambda: check(shown(ages, kind=CONSUMER), BROWSER)) is refused


@pytest.mark.parametrize("actor", VOUCHING, ids=lambda actor: actor.kind)
@pytest.mark.parametrize("kind", [TENANT, CONSUMER])
@pytest.mark.parametrize("ages", [None, {"password": AGES}, {"totp": AGES}], ids=str)
def test_a_back_end_vouches_for_its_callers(actor, kind, ages):
    proof = shown(ages, kind=kind)
    for check in (standing.check_may_add_factor, standing.check_may_remove_factor, standing.check_may_see_codes):
        assert refusal(lambda check=check: check(proof, actor)) is None


@pytest.mark.parametrize("actor", VOUCHING, ids=lambda actor: actor.kind)
@pytest.mark.parametrize(
    ("ages", "refused"),
    [
        (None, None),
        ({"password": 0}, InsufficientFactors),
        ({"password": 0, "totp": AGES}, None),
        ({"recovery_codes": AGES}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("minutes", [0, 10])
def test_who_acts_on_itself_behind_a_back_end_has_shown_a_second_factor_at_some_time(
    configure, actor, ages, refused, minutes
):
    """Contract 7.17. Who acts on somebody else does so by its role."""
    configure(STEP_UP_MINUTES=minutes)
    proof = shown(ages)
    itself = proof.member if proof else Member()
    assert refusal(lambda: standing.check_may_remove_factor(proof, actor, itself)) is refused
    assert refusal(lambda: standing.check_may_remove_factor(proof, actor, Member())) is None


# EN-09

HERE, ELSEWHERE = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("binds", [True, False])
@pytest.mark.parametrize("actor", [BROWSER, *VOUCHING], ids=lambda actor: actor.kind)
def test_en09_a_pending_totp_is_confirmed_where_a_page_created_it(configure, actor, binds):
    configure(BIND_PENDING_TOTP=binds)
    proofs = [None, *(made(pk=key) for made in (Session, IntermediateSession) for key in (HERE, ELSEWHERE))]
    refusals = 0
    for state, created_in, proof in product(("pending", "active"), (None, HERE), proofs):
        registration = TOTPRegistration(state=state, created_in=created_in, member=Member())
        refused = refusal(lambda r=registration, p=proof: standing.check_may_confirm(r, p, actor))
        expected = (
            binds and actor is BROWSER and state == "pending" and created_in and proof not in (proofs[1], proofs[3])
        )
        assert refused is (errors.UnableToAuthenticateTOTP if expected else None)
        refusals += refused is not None
    assert refusals == (3 if binds and actor is BROWSER else 0)


# The operations that ask


@pytest.mark.django_db
class TestPagesThatEnrol:
    @pytest.mark.parametrize(("age", "refused"), [(600, None), (601, StaleFactors)])
    def test_en12_a_session_that_was_stolen_later_enrols_nothing(self, member, age, refused):
        proof = aged(member, password=age)
        assert refusal(lambda: enrolment.create(fresh(member), proof=proof, actor=BROWSER)) is refused
        assert TOTPRegistration.objects.exists() is (refused is None)

    @pytest.mark.parametrize(("actor", "refused"), [(BROWSER, errors.PrimaryAuthenticationRequired), (ACTOR, None)])
    def test_a_page_that_has_not_met_the_primary_requirement_enrols_nothing(self, member, actor, refused):
        Organization.objects.update(auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
        member, login = fresh(member), begin(member, BROWSER)
        assert refusal(lambda: enrolment.create(member, proof=login, actor=actor)) is refused
        session = session_of(member, "password")  # what has become a session has met it
        assert refusal(lambda: enrolment.create(fresh(member), proof=session, actor=actor)) is None

    @pytest.mark.parametrize("binds", [True, False])
    def test_en09_what_was_created_in_one_session_is_not_confirmed_in_another(self, member, configure, binds):
        configure(BIND_PENDING_TOTP=binds)
        planted, own = session_of(member, "password"), session_of(member, "password")
        made = enrolment.create(fresh(member), proof=planted, actor=BROWSER)
        assert made.registration.created_in == planted.pk

        def confirm(proof):
            return verification.authenticate(fresh(member), code=code_of(made.secret), proof=proof, actor=BROWSER)

        if binds:
            assert refusal(lambda: confirm(own)) is errors.UnableToAuthenticateTOTP
            assert refusal(lambda: confirm(begin(member, BROWSER))) is errors.UnableToAuthenticateTOTP
            assert budget(member, "totp") == (0, 0)
            assert confirm(planted).granted.session.pk == planted.pk
        else:
            assert confirm(own).granted.session.pk == own.pk

    def test_en09_a_login_that_created_a_totp_confirms_it(self, member):
        login = begin(member, BROWSER)
        made = enrolment.create(fresh(member), proof=login, actor=BROWSER)
        done = verification.authenticate(fresh(member), code=code_of(made.secret), proof=login, actor=BROWSER)
        assert done.granted

    def test_en09_what_a_back_end_created_is_confirmed_anywhere(self, member):
        made = enrolment.create(fresh(member), proof=session_of(member, "password"), actor=ACTOR)
        assert made.registration.created_in is None
        own = session_of(member, "password")
        assert verification.authenticate(fresh(member), code=code_of(made.secret), proof=own, actor=BROWSER).granted

    def test_en09_a_back_end_confirms_what_a_page_created(self, member):
        made = enrolment.create(fresh(member), proof=session_of(member, "password"), actor=BROWSER)
        other = session_of(member, "password")
        assert verification.authenticate(fresh(member), code=code_of(made.secret), proof=other, actor=ACTOR).granted


@pytest.mark.django_db
class TestPagesThatChangeFactors:
    """Each operation by a session of a Member and of a User, with what it lacks and with what it needs."""

    @pytest.fixture(params=[TENANT, CONSUMER])
    def member(self, request, member):
        one = member if request.param == TENANT else user()
        enrol(one)
        Member.objects.filter(pk=one.pk).update(mfa_enrolled=True)
        return fresh(one)

    OPERATIONS = {
        "delete": enrolment.delete,
        "show": enrolment.show_recovery_codes,
        "rotate": enrolment.rotate_recovery_codes,
        "switch MFA off": lambda member, **who: members.update(member, mfa_enrolled=False, **who),
    }
    BY_RECOVERY = {"delete": None, "switch MFA off": None, "show": InsufficientFactors, "rotate": InsufficientFactors}

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_en13_rc04_a_fresh_totp_code_is_asked_for(self, member, name):
        for ages, refused in (
            ({"password": 0}, InsufficientFactors),
            ({"password": 0, "totp": 601}, StaleFactors),
            ({"password": 0, "recovery_codes": 0}, self.BY_RECOVERY[name]),
            ({"password": 0, "totp": 600}, None),
        ):
            before = self.state(member)
            proof = aged(member, **ages)
            outcome = refusal(lambda proof=proof: self.OPERATIONS[name](fresh(member), proof=proof, actor=BROWSER))
            assert outcome is refused
            if refused:
                assert self.state(member) == before
            elif name != "show":
                assert self.state(member) != before
                return

    @pytest.mark.parametrize("name", OPERATIONS)
    def test_without_a_session_nothing_is_done(self, member, name):
        assert refusal(lambda: self.OPERATIONS[name](member, proof=None, actor=BROWSER)) is InsufficientFactors

    def state(self, member):
        codes = RecoveryCode.objects.filter(registration__member=member)
        return fresh(member).mfa_enrolled, set(codes.values_list("pk", flat=True))

    def test_rc05_who_recovered_may_replace_the_lost_phone(self, member):
        proof = session_of(member, "password", "recovery_codes")
        left = enrolment.delete(member, proof=proof, actor=BROWSER)
        proof.refresh_from_db()
        assert enrolment.create(left, proof=proof, actor=BROWSER).secret

    def test_what_is_not_mfa_is_changed_without_it(self, member):
        proof = session_of(member, "password")
        assert members.update(member, name="Ada", mfa_enrolled=True, proof=proof, actor=BROWSER).name == "Ada"


@pytest.mark.django_db
def test_a_pending_totp_is_nobodys_factor_and_removed_freely(member):
    proof = session_of(member, "password")
    enrolment.create(fresh(member), proof=proof, actor=BROWSER)
    enrolment.delete(fresh(member), proof=proof, actor=BROWSER)
    assert not TOTPRegistration.objects.exists()


@pytest.mark.django_db
def test_en13_a_totp_activated_since_it_was_read_is_not_removed_as_a_pending_one(member):
    proof = session_of(member, "password")
    made = enrolment.create(fresh(member), proof=proof, actor=ACTOR)
    read = fresh(member)
    assert read.active_totp_id is None
    verification.authenticate(fresh(member), code=code_of(made.secret), proof=begin(member), actor=ACTOR)
    assert refusal(lambda: enrolment.delete(read, proof=proof, actor=BROWSER)) is InsufficientFactors
    assert fresh(member).active_totp_id == made.registration.pk


@pytest.mark.django_db
def test_who_never_enrolled_switches_off_nothing(member):
    """The flag is not set, so clearing it takes nothing away."""
    proof = session_of(member, "password")
    assert not members.update(member, mfa_enrolled=False, proof=proof, actor=BROWSER).mfa_enrolled


@pytest.mark.django_db
class TestPagesThatWeakenMore:
    """What does as much as removing the factor takes as much."""

    def outcomes(self, member, change):
        """By a session with a password alone, with a second factor that is too old, and with one that isn't."""
        shown = {"password": 0}, {"password": 0, "totp": 601}, {"password": 0, "recovery_codes": 600}
        return [refusal(lambda ages=ages: change(aged(fresh(member), **ages))) for ages in shown]

    WEAKENED, ALLOWED = [InsufficientFactors, StaleFactors, None], [None, None, None]

    @pytest.mark.parametrize(
        ("before", "after", "weakens"),
        [
            ("REQUIRED_FOR_ALL", "OPTIONAL", True),
            ("REQUIRED_FOR_ALL", "REQUIRED_FOR_ALL", False),
            ("REQUIRED_FOR_ALL", None, False),
            ("OPTIONAL", "REQUIRED_FOR_ALL", False),
            ("OPTIONAL", "OPTIONAL", False),
        ],
    )
    def test_en13_an_admin_stops_asking_everybody(self, member, before, after, weakens):
        fields = {"mfa_policy": after} if after else {}

        def change(proof, actor=BROWSER):
            Organization.objects.update(mfa_policy=before)
            return organizations.update(member.organization, name="New", proof=proof, actor=actor, **fields)

        assert self.outcomes(member, change) == (self.WEAKENED if weakens else self.ALLOWED)
        assert refusal(lambda: change(None, ACTOR)) is None

    def test_what_is_refused_changes_nothing_else_either(self, member):
        Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL")
        fields = {"mfa_policy": "OPTIONAL", "name": "New", "proof": session_of(member, "password"), "actor": BROWSER}
        assert refusal(lambda: organizations.update(member.organization, **fields)) is InsufficientFactors
        assert Organization.objects.get().name != "New"

    @pytest.mark.parametrize(
        ("verified", "number", "weakens"),
        [
            (True, "", True),
            (True, "+15005550007", True),
            (True, "+15005550006", False),
            (False, "", False),
            (False, "+15005550007", False),
        ],
    )
    def test_en13_a_verified_phone_is_a_factor_to_be_removed(self, member, verified, number, weakens):
        def change(proof):
            Member.objects.update(mfa_phone_number="+15005550006", mfa_phone_verified=verified)
            return members.update(fresh(member), mfa_phone_number=number, proof=proof, actor=BROWSER)

        assert self.outcomes(member, change) == (self.WEAKENED if weakens else self.ALLOWED)

    @pytest.mark.parametrize("enrols", [True, False])
    def test_en13_who_has_a_totp_is_not_deleted_by_a_thief(self, member, enrols):
        if enrols:
            enrol(member)

        def delete(proof):
            members.delete(fresh(member), proof=proof, actor=BROWSER)
            assert fresh(member).status == "deleted"
            Member.objects.update(status="active")

        assert self.outcomes(member, delete) == (self.WEAKENED if enrols else self.ALLOWED)
