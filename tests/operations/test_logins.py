"""Contract 1.10: what the factors shown so far are worth."""

from itertools import product
from uuid import UUID

import pytest

from stytch_totp import errors
from stytch_totp.core.factors import factor
from stytch_totp.models import AuditEvent, IntermediateSession, Member, Organization, Session
from stytch_totp.operations import grants, logins, sessions
from tests.clock import CLOCK
from tests.factories import ACTOR, make_member
from tests.operations.situations import BROWSER, begin, fresh, person, present, refusal, session_of, user

pytestmark = pytest.mark.django_db

NOW, KEY = 1_800_000_000, UUID(int=1)
PROOFS = ("nothing", "a login", "a login by discovery", "a session")


def factors(*kinds):
    return [factor(kind, KEY, NOW) for kind in kinds]


def proof_of(member, name):
    if name == "a login by discovery":
        token = grants.begin(None, factors("password"), ACTOR, discovered=[member])
        return present(intermediate_session_token=token)
    made = {
        "nothing": lambda: None,
        "a login": lambda: begin(member),
        "a session": lambda: session_of(member, "password"),
    }
    return made[name]()


def settle(member, proof, shown, **options):
    return logins.settle(member, proof, shown, **{"actor": ACTOR, "token": "given", **options})


@pytest.mark.parametrize("policy", ["OPTIONAL", "REQUIRED_FOR_ALL"])
@pytest.mark.parametrize("enrolled", [False, True])
@pytest.mark.parametrize("name", PROOFS)
def test_every_login_is_a_session_or_says_what_is_owed(policy, enrolled, name):
    """Against the rules in words, for what was shown, whether its method is admitted, and who waits to be active."""
    for restricted, kinds, status in product(
        (False, True),
        ((), ("password",), ("totp",), ("password", "totp"), ("password", "recovery_codes")),
        ("active", "pending"),
    ):
        member = person(mfa_enrolled=enrolled, status=status)
        Organization.objects.filter(pk=member.organization_id).update(
            mfa_policy=policy,
            auth_methods="RESTRICTED" if restricted else "ALL_ALLOWED",
            allowed_auth_methods=["sso"] if restricted else [],
        )
        member = fresh(member)
        proof = proof_of(member, name)
        done = settle(member, proof, factors(*kinds))

        met = "password" in kinds and not restricted
        owed = (
            (policy == "REQUIRED_FOR_ALL" or enrolled)
            and not set(kinds) & {"totp", "recovery_codes"}
            and name != "a session"
        )
        complete = met and not owed
        assert (done.granted is not None) is complete
        assert (done.primary_met, done.mfa_owed) == ((True, False) if complete else (met, owed))
        assert fresh(member).status == done.member.status == ("active" if met else status)
        if complete:
            assert done.granted.session.factors == factors(*kinds)
            assert done.intermediate_session_token == ""
        elif name == "a login":
            assert done.intermediate_session_token == "given"
        else:
            login = present(intermediate_session_token=done.intermediate_session_token)
            assert (login.member_id, login.factors) == (member.pk, factors(*kinds))
        if isinstance(proof, IntermediateSession):
            proof.refresh_from_db()
            assert (proof.used_at is None) is (name == "a login" and not complete)
            assert proof.used_at is not None or proof.factors == factors(*kinds)


def test_a_session_goes_on_and_is_not_made_anew():
    member = person()
    proof = session_of(member, "password")
    token = proof.reveal()
    done = settle(member, proof, factors("password"), minutes=5)
    assert (done.granted.session.pk, done.granted.token) == (proof.pk, token)
    assert done.granted.session.expires_at == NOW + 300


@pytest.mark.parametrize("policy", ["OPTIONAL", "REQUIRED_FOR_ALL"])
def test_a_login_used_since_it_was_read_is_worth_nothing(policy):
    member = person()
    Organization.objects.update(mfa_policy=policy)
    proof = proof_of(fresh(member), "a login by discovery")
    IntermediateSession.objects.update(used_at=NOW)
    assert refusal(lambda: settle(fresh(member), proof, factors("password"))) is errors.IntermediateSessionNotFound
    assert not member.sessions.exists()


def test_a_login_of_a_page_stays_that_pages():
    member = person(mfa_enrolled=True)
    done = settle(member, None, factors("password"), actor=BROWSER)
    assert IntermediateSession.objects.get().begun_at == BROWSER.place
    assert present(BROWSER, intermediate_session_token=done.intermediate_session_token)


@pytest.mark.parametrize("policy", ["OPTIONAL", "REQUIRED_FOR_ALL"])
@pytest.mark.parametrize("enrolled", [False, True])
@pytest.mark.parametrize("minutes", [None, 5])
def test_a_user_owes_nothing_and_has_a_session_only_if_asked_for(policy, enrolled, minutes):
    """Contract 2.4 and 6.9: there the back end decides what a login is worth."""
    member = user(mfa_enrolled=enrolled, status="pending")
    Organization.objects.update(mfa_policy=policy)
    done = settle(fresh(member), None, factors("password"), minutes=minutes, token="")
    assert (done.granted is not None) is (minutes is not None)
    assert (done.intermediate_session_token, done.primary_met, done.mfa_owed) == ("", True, False)
    assert not IntermediateSession.objects.exists()
    assert Member.objects.get().status == "active"


def test_a_users_session_goes_on_unasked():
    member = user()
    proof = session_of(member, "password")
    assert settle(member, proof, factors("password")).granted.session.expires_at == proof.expires_at


def test_no_clear_token_stands_in_a_repr():
    assert "secret" not in repr(logins.LoggedIn(Member(), None, "secret"))


class TestAVisitToTheSite:
    """Whom the host's own login has let in."""

    @pytest.fixture(params=[person, user], ids=["member", "user"])
    def ada(self, request):
        return request.param()

    def begin(self, ada, **options):
        return logins.begin_visit(ada, **{"shown_at": NOW - 60, "minutes": 30, "actor": BROWSER, **options})

    def test_it_is_a_session_with_a_first_factor_of_when_that_was_shown(self, ada):
        made = self.begin(ada)
        kept = Session.objects.get()
        assert (kept.pk, kept.member, kept.expires_at) == (made.pk, ada, NOW + 1800)
        assert kept.factors == [factor("password", None, NOW - 60)]
        assert list(AuditEvent.objects.values_list("tag", "actor_kind", "member_id")) == [
            ("member:session:begun", "browser", ada.pk)
        ]

    def test_it_makes_a_pending_member_active(self):
        ada = person(status="pending")
        self.begin(ada)
        assert (ada.status, fresh(ada).status) == ("active", "active")

    def test_it_is_found_again_until_it_runs_out(self, ada):
        made = self.begin(ada)
        CLOCK.advance(1799)
        assert sessions.of_visit(ada, made.pk) == made
        CLOCK.advance(1)
        assert sessions.of_visit(ada, made.pk) is None

    def test_te04_it_is_nobody_elses(self, ada):
        made = self.begin(ada)
        for other in (make_member(organization=ada.organization), make_member()):
            assert sessions.of_visit(other, made.pk) is None

    def test_one_that_was_never_begun_is_none(self, ada):
        assert sessions.of_visit(ada, KEY) is None

    def test_se08_one_that_was_revoked_is_no_more_even_after_it_ran_out(self, ada):
        made = self.begin(ada)
        sessions.revoke(made, actor=ACTOR)
        for _ in range(2):
            assert refusal(lambda: sessions.of_visit(ada, made.pk)) is errors.SessionNotFound
            CLOCK.advance(3600)

    def test_it_comes_with_its_member_and_asks_the_database_once(self, ada, django_assert_num_queries):
        made = self.begin(ada)
        with django_assert_num_queries(1):
            assert sessions.of_visit(ada, made.pk).member.organization == ada.organization

    def test_it_ends_by_the_members_own_hand(self, ada):
        made = self.begin(ada)
        sessions.end_visit(made.pk, BROWSER)
        assert refusal(lambda: sessions.of_visit(ada, made.pk)) is errors.SessionNotFound
        assert AuditEvent.objects.filter(tag="member:session:revoked", actor_id=ada.public_id).count() == 1

    def test_what_has_ended_is_not_ended_again(self, ada):
        made = self.begin(ada)
        for _ in range(2):
            sessions.end_visit(made.pk, BROWSER)
        sessions.end_visit(KEY, BROWSER)
        CLOCK.advance(1800)
        sessions.end_visit(self.begin(ada, minutes=5).pk, BROWSER)
        CLOCK.advance(300)
        assert AuditEvent.objects.filter(tag="member:session:revoked").count() == 2

    def test_one_that_another_request_ends_at_the_same_moment_is_ended_once(self, ada, monkeypatch):
        made = self.begin(ada)
        revoke = sessions.revoke

        def twice(session, **options):
            revoke(session, **options)
            revoke(session, **options)

        monkeypatch.setattr(sessions, "revoke", twice)
        sessions.end_visit(made.pk, BROWSER)
        assert AuditEvent.objects.filter(tag="member:session:revoked").count() == 1
