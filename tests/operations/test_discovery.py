"""Logins without an organization and switches between organizations: what counts where, and what never does."""

import bcrypt
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp import errors
from stytch_totp.models import AuditEvent, IntermediateSession, Member, Organization, Session
from stytch_totp.operations import discovery, hashes, members, passwords, sessions, signing, verification
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol, make_member
from tests.operations.situations import (
    BROWSER,
    PASSWORD,
    aged,
    begin,
    budget,
    find,
    fresh,
    person,
    present,
    refusal,
    session_of,
    user,
)

pytestmark = pytest.mark.django_db


def discover(password=PASSWORD, email="ada@example.com", actor=ACTOR):
    return discovery.authenticate(email=email, password=password, actor=actor)


def discovered(**options):
    """The intermediate session of a login by discovery, as a request would read it."""
    return present(intermediate_session_token=discover(**options).intermediate_session_token)


def found(result):
    return [one.member.pk for one in result.found]


def go_to(member, proof, **options):
    return discovery.exchange(proof, member.organization, actor=ACTOR, **options)


def require_mfa(*people):
    Organization.objects.filter(members__in=people).update(mfa_policy="REQUIRED_FOR_ALL")


def linked(*people):
    """One Django user that these members log in as."""
    one = User.objects.create_user("ada", password=PASSWORD)
    Member.objects.filter(pk__in=[each.pk for each in people]).update(user=one, password="")
    return one


class TestWhoIsFound:
    def test_te05_those_whose_password_was_given_and_nobody_else(self, clock):
        first = person()
        clock.advance(1)
        other = person(password=make_password("another password"))
        third = person()
        done = discover()
        assert (found(done), done.email) == ([first.pk, third.pk], "ada@example.com")
        begun = present(intermediate_session_token=done.intermediate_session_token)
        assert (begun.member, set(begun.discovered)) == (None, {str(first.pk), str(third.pk)})
        assert refusal(lambda: go_to(other, begun)) is errors.MemberNotFound

    @pytest.mark.parametrize(
        "make",
        [
            lambda: person(email_verified=False),
            lambda: person(status="deleted", email_key=None),
            lambda: person(status="deleted"),
            lambda: person(email="eve@example.com"),
            lambda: user(email="ada@example.com", password=make_password(PASSWORD)),
            lambda: person(password=""),
        ],
        ids=["unverified", "deleted", "being deleted", "another address", "a User", "without a password"],
    )
    def test_te05_nobody_is_found_by_an_address_that_is_not_vouched_for(self, make):
        made, own = make(), person()
        done = discover()
        assert found(done) == [own.pk]
        begun = present(intermediate_session_token=done.intermediate_session_token)
        assert refusal(lambda: discovery.exchange(begun, made.organization, actor=ACTOR)) is errors.MemberNotFound

    def test_an_address_is_compared_without_case(self):
        one = person(email="Ada@Example.com")
        assert found(discover(email="aDA@example.COM")) == [one.pk]

    def test_no_more_members_are_tried_than_a_person_has(self, monkeypatch):
        monkeypatch.setattr(members, "MOST_MEMBERSHIPS", 2)
        people = [person() for _ in range(3)]
        assert len(discover().found) == 2
        assert sorted(budget(one, "password") for one in people) == [(0, 0)] * 3

    @pytest.mark.parametrize("known", [True, False])
    def test_an_unknown_address_and_a_wrong_password_answer_alike_after_the_same_work(self, known, monkeypatch):
        if known:
            person()
        hashed = []
        monkeypatch.setattr(passwords, "_pretend", hashed.append)
        monkeypatch.setattr(passwords, "check_password", lambda *_: hashed.append("compared"), raising=False)
        monkeypatch.setattr(hashes, "check_password", lambda *_: hashed.append("compared"))
        assert refusal(lambda: discover("wrong")) is errors.UnauthorizedCredentials
        assert hashed == ["compared" if known else "wrong"]
        assert not IntermediateSession.objects.exists()

    def test_each_membership_costs_what_one_costs(self, django_assert_max_num_queries):
        """The same statements for each, and none more: anybody can have them run."""
        counted = []
        for number in (1, 5):
            for _ in range(number):
                person(email=f"{number}@example.com")
            with CaptureQueriesContext(connection) as captured:
                done = discover(email=f"{number}@example.com")
            counted.append(len(captured))
            with django_assert_max_num_queries(4):
                listed = discovery.memberships(present(intermediate_session_token=done.intermediate_session_token))
                assert [one.member.active_totp_id for one in listed.found] == [None] * number
        assert counted[1] - counted[0] <= 4 * 12  # of which two are the chain of the audit trail

    def test_what_each_membership_still_owes_is_told(self, clock):
        free = person()
        clock.advance(1)
        guarded, restricted = person(), person(created_at=int(clock()) + 1)
        require_mfa(guarded)
        Organization.objects.filter(pk=restricted.organization_id).update(
            auth_methods="RESTRICTED", allowed_auth_methods=["sso"]
        )
        told = [(one.member.pk, one.primary_met, one.mfa_owed) for one in discover().found]
        assert told == [(free.pk, True, False), (guarded.pk, True, True), (restricted.pk, False, False)]

    def test_no_clear_token_stands_in_a_repr(self):
        person()
        done = discover()
        assert done.intermediate_session_token not in repr(done)


class TestWhatATryCosts:
    def test_te05_a_wrong_password_is_charged_to_everybody_it_was_compared_for(self):
        people = [person(), person()]
        assert refusal(lambda: discover("wrong")) is errors.UnauthorizedCredentials
        assert [budget(one, "password") for one in people] == [(1, 0), (1, 0)]
        assert AuditEvent.objects.filter(tag="member:password:refused").count() == 2

    def test_who_knows_one_password_guessed_at_no_other(self):
        opened, other = person(), person(password=make_password("another password"))
        for _ in range(12):
            discover()
        assert (budget(opened, "password"), budget(other, "password")) == ((0, 0), (0, 0))

    def test_a_success_empties_the_budget_of_who_was_opened_alone(self):
        opened, other = person(), person(password=make_password("another password"))
        for _ in range(3):
            assert refusal(lambda: discover("wrong"))
        discover()
        assert (budget(opened, "password"), budget(other, "password")) == ((0, 0), (3, 0))

    def test_rl12_guesses_here_and_in_the_organization_share_one_budget(self):
        one = person()
        for _ in range(10):
            assert refusal(lambda: discover("wrong")) is errors.UnauthorizedCredentials
        assert refusal(discover) is errors.Locked

        def log_in():
            return passwords.authenticate(one.organization, email=one.email, password=PASSWORD, proof=None, actor=ACTOR)

        assert refusal(log_in) is errors.Locked

    def test_a_locked_membership_hinders_no_other(self, configure):
        configure(LOCK_THRESHOLD=1)
        locked, opened = person(password=make_password("another password")), person()
        assert refusal(lambda: discover("wrong"))
        Member.objects.get(pk=opened.pk).guards.update(failures=0, locks=0, locked_until=0)
        assert found(discover()) == [opened.pk]
        assert refusal(lambda: discover("wrong")) is errors.UnauthorizedCredentials
        assert refusal(discover) is errors.Locked
        assert budget(locked, "password") == (1, 1)

    def test_one_hash_of_several_memberships_is_compared_once(self, monkeypatch):
        one = person()
        person(password=one.password)
        users = [person(), person()]
        linked(*users)
        compared, check = [], passwords._check
        monkeypatch.setattr(passwords, "_check", lambda *args: compared.append(1) or check(*args))
        assert len(discover().found) == 4
        assert len(compared) == 2

    def test_nobody_is_let_in_by_the_hash_of_a_deactivated_user(self):
        own, other = person(), person()
        linked(other)
        User.objects.update(is_active=False)
        assert found(discover()) == [own.pk]

    def test_nor_by_the_same_hash_of_a_member_who_is_no_user(self):
        own, other = person(), person()
        one = linked(other)
        Member.objects.filter(pk=own.pk).update(password=one.password)
        User.objects.update(is_active=False)
        assert found(discover()) == [own.pk]

    def test_an_imported_hash_becomes_the_sites_own_for_each_membership_it_opens(self):
        encoded = hashes.encode("bcrypt", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), {})
        for _ in range(2):
            person(password=encoded)
        for left in (1, 0):
            assert len(discover().found) == 2
            assert Member.objects.filter(password=encoded).count() == left

    @pytest.mark.parametrize(
        "happens",
        [
            lambda: Member.objects.update(password=make_password("a new password")),
            lambda: members.delete(fresh(Member.objects.get()), actor=ACTOR),
        ],
        ids=["changed", "deleted"],
    )
    def test_a_password_changed_while_it_is_compared_opens_nothing(self, monkeypatch, happens):
        person()
        check = passwords._check

        def check_slowly(*args):
            verdict = check(*args)
            happens()
            return verdict

        monkeypatch.setattr(passwords, "_check", check_slowly)
        assert refusal(discover) is errors.UnauthorizedCredentials
        assert not IntermediateSession.objects.exists()

    def test_each_login_is_on_record(self):
        people = [person(), person()]
        discover(actor=BROWSER)
        rows = AuditEvent.objects.filter(tag="member:password:authenticated", actor_kind="browser")
        assert {row.member_id for row in rows} == {one.pk for one in people}


class TestALoginThatBecomesAMember:
    def test_se02_it_makes_one_session(self):
        one, other = person(), person()
        proof = discovered()
        done = go_to(one, proof, minutes=30, claims={"plan": "free"})
        session = find(session_token=done.granted.token)
        assert (session.member_id, session.claims) == (one.pk, {"plan": "free"})
        assert session.expires_at == 1_800_000_000 + 1800
        assert [each["type"] for each in session.factors] == ["password"]
        for again in (one, other):
            assert refusal(lambda again=again: go_to(again, proof)) is errors.IntermediateSessionNotFound
        assert Session.objects.count() == 1

    def test_te04_where_mfa_is_owed_it_becomes_a_login_to_that_organization(self):
        one = person()
        secret, _ = enrol(one)
        require_mfa(one)
        proof = discovered()
        done = go_to(fresh(one), proof)
        assert (done.granted, done.primary_met, done.mfa_owed) == (None, True, True)
        assert refusal(lambda: go_to(one, proof)) is errors.IntermediateSessionNotFound
        login = present(intermediate_session_token=done.intermediate_session_token)
        assert login.member_id == one.pk
        verified = verification.authenticate(fresh(one), code=code_of(secret), proof=login, actor=ACTOR)
        assert [each["type"] for each in verified.granted.session.factors] == ["password", "totp"]

    def test_te05_it_completes_mfa_only_for_who_it_carries(self):
        own, other = person(), person(password=make_password("another password"))
        secrets = {one.pk: enrol(one)[0] for one in (own, other)}
        proof = discovered()

        def confirm(one):
            return verification.authenticate(fresh(one), code=code_of(secrets[one.pk]), proof=proof, actor=ACTOR)

        assert refusal(lambda: confirm(other)) is errors.MemberMismatch
        assert budget(other, "totp") == (0, 0)
        assert confirm(own).granted.session.member_id == own.pk
        assert refusal(lambda: go_to(own, proof)) is errors.IntermediateSessionNotFound

    def test_te05_a_password_given_later_opens_no_other_membership(self):
        person()
        other = person(password=make_password("another password"))
        proof = discovered()

        def log_in():
            return passwords.authenticate(
                other.organization, email=other.email, password="another password", proof=proof, actor=ACTOR
            )

        assert refusal(log_in) is errors.MemberMismatch
        assert budget(other, "password") == (0, 0)

    def test_a_method_that_the_organization_does_not_admit_is_not_enough(self):
        one = person()
        Organization.objects.update(auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
        done = go_to(one, discovered())
        assert (done.granted, done.primary_met) == (None, False)

    def test_a_pending_member_becomes_active_by_it(self):
        one = person(status="pending")
        assert go_to(one, discovered()).member.status == "active"
        assert fresh(one).status == "active"

    def test_a_membership_that_ended_since_is_none(self):
        own, other = person(), person()
        proof = discovered()
        members.delete(own, actor=ACTOR)
        assert refusal(lambda: go_to(own, proof)) is errors.MemberNotFound
        assert found(discovery.memberships(proof)) == [other.pk]
        members.delete(other, actor=ACTOR)
        assert refusal(lambda: discovery.memberships(proof)) is errors.IntermediateSessionNotFound

    def test_bad_claims_use_nothing_up(self):
        one = person()
        proof = discovered()
        assert refusal(lambda: go_to(one, proof, claims={"sub": "x"})) is errors.ReservedClaims
        assert go_to(one, proof).granted


class TestASessionThatGoesElsewhere:
    @pytest.fixture
    def home(self):
        return person()

    @pytest.fixture
    def away(self, clock):
        clock.advance(1)
        return person(password=make_password("another password"))

    def test_te04_what_was_shown_to_one_organization_is_nothing_to_another(self, home, away):
        source = session_of(home, "password", "totp")
        done = go_to(away, source)
        assert (done.granted, done.primary_met, done.mfa_owed) == (None, False, False)
        login = present(intermediate_session_token=done.intermediate_session_token)
        assert (login.member_id, login.factors) == (away.pk, [])
        assert find(session_token=source.reveal())  # it ends only when another takes its place
        logged_in = passwords.authenticate(
            away.organization, email=away.email, password="another password", proof=login, actor=ACTOR
        )
        assert logged_in.granted.session.member_id == away.pk

    def test_te04_one_django_users_password_counts_in_all_its_organizations(self, home, away):
        linked(home, away)
        source = aged(fresh(home), password=500, totp=10)
        token = source.reveal()
        done = go_to(away, source)
        session = done.granted.session
        assert session.member_id == away.pk
        assert [(one["type"], one["last_authenticated_at"]) for one in session.factors] == [
            ("password", source.factors[0]["last_authenticated_at"])
        ]
        assert refusal(lambda: find(session_token=token)) is errors.SessionNotFound

    def test_te04_a_second_factor_of_one_organization_is_none_in_another_of_the_same_user(self, home, away):
        linked(home, away)
        require_mfa(away)
        source = session_of(fresh(home), "password", "totp", "recovery_codes")
        done = go_to(away, source)
        assert (done.granted, done.primary_met, done.mfa_owed) == (None, True, True)
        login = present(intermediate_session_token=done.intermediate_session_token)
        assert [one["type"] for one in login.factors] == ["password"]
        assert find(session_token=source.reveal())

    @pytest.mark.parametrize("user_of", ["home", "away"])
    def test_two_members_of_whom_one_is_nobodys_user_share_no_password(self, home, away, user_of):
        linked({"home": home, "away": away}[user_of])
        assert go_to(away, session_of(fresh(home), "password")).granted is None

    def test_a_deactivated_users_password_opens_nothing_more(self, home, away):
        linked(home, away)
        User.objects.update(is_active=False)
        assert go_to(away, session_of(fresh(home), "password")).granted is None

    def test_two_users_share_no_password(self, home, away):
        linked(home)
        Member.objects.filter(pk=away.pk).update(user=User.objects.create_user("eve"))
        assert go_to(away, session_of(fresh(home), "password")).granted is None

    def test_ones_own_organization_is_no_change(self, home):
        source = session_of(home, "password", "totp")
        done = go_to(home, source)
        assert [one["type"] for one in done.granted.session.factors] == ["password", "totp"]
        assert find(session_token=done.granted.token).member_id == home.pk
        assert len(Session.objects.live(1_800_000_000)) == 1

    @pytest.mark.parametrize("unverified", ["home", "away"])
    def test_an_address_that_nobody_vouches_for_switches_nowhere(self, home, away, unverified):
        Member.objects.filter(pk={"home": home, "away": away}[unverified].pk).update(email_verified=False)
        source = session_of(fresh(home), "password")
        assert refusal(lambda: go_to(away, source)) is errors.MemberNotFound
        assert found(discovery.memberships(source)) == [home.pk]
        assert go_to(home, source).granted

    @pytest.mark.parametrize(
        "stranger",
        [
            make_member,
            lambda: person(status="deleted", email_key=None),
            lambda: user(email="ada@example.com"),
        ],
        ids=["another address", "deleted", "a User"],
    )
    def test_te05_nobody_else_is_to_be_had(self, home, stranger):
        other = stranger()
        assert refusal(lambda: go_to(other, session_of(home, "password", "totp"))) is errors.MemberNotFound

    def test_an_organization_without_a_membership_is_refused(self, home):
        elsewhere = OrganizationFactory.create()
        proof = session_of(home, "password")
        assert refusal(lambda: discovery.exchange(proof, elsewhere, actor=ACTOR)) is errors.MemberNotFound

    @pytest.mark.parametrize("one_user", [True, False], ids=["for a session", "for a login"])
    @pytest.mark.parametrize(
        ("happens", "refused"),
        [
            (lambda session: sessions.revoke(session, actor=ACTOR), errors.SessionNotFound),
            (lambda session: sessions.forget_second_factors(session.member), errors.ServiceUnavailable),
        ],
        ids=["ended", "changed"],
    )
    def test_a_session_that_is_not_what_was_read_goes_nowhere(self, home, away, one_user, happens, refused):
        if one_user:
            linked(home, away)
        source = session_of(fresh(home), "password", "totp")
        happens(Session.objects.get())
        assert refusal(lambda: go_to(away, source)) is refused
        assert not Session.objects.filter(member=away).exists()
        assert not IntermediateSession.objects.exists()

    def test_where_a_member_is_known_and_what_is_owed_there_is_told(self, home, away):
        require_mfa(home, away)
        told = discovery.memberships(session_of(home, "password", "totp"))
        assert [(one.member.pk, one.primary_met, one.mfa_owed) for one in told.found] == [
            (home.pk, True, False),
            (away.pk, False, True),
        ]
        assert told.intermediate_session_token == ""

    def test_a_login_to_one_organization_is_no_use_in_another(self, home, away):
        login = begin(home)
        for work in (lambda: go_to(away, login), lambda: go_to(home, login), lambda: discovery.memberships(login)):
            assert refusal(work) is errors.IntermediateSessionNotFound

    def test_who_shows_nothing_is_asked_for_it(self, home):
        for work in (lambda: go_to(home, None), lambda: discovery.memberships(None)):
            assert refusal(work) is errors.NoSessionArguments

    def test_each_switch_is_on_record(self, home, away):
        go_to(away, session_of(home, "password"))
        assert AuditEvent.objects.get(tag="member:session:exchanged").member_id == away.pk


class TestANewOrganization:
    @pytest.fixture
    def ada(self):
        return person()

    def create(self, proof, **options):
        return discovery.create_organization(proof, actor=BROWSER, **options)

    def test_who_made_it_is_its_admin_with_the_same_login_and_no_factor(self, ada):
        enrol(ada)
        done = self.create(discovered(), name="Analytical Engines", minutes=30, claims={"plan": "free"})
        made = done.member
        assert (made.organization.name, made.organization.slug) == ("Analytical Engines", "analytical-engines")
        assert (made.email, made.all_roles) == (ada.email, ["stytch_member", "stytch_admin"])
        assert (made.email_verified, made.status, made.active_totp_id) == (True, "active", None)
        session = find(session_token=done.granted.token)
        assert (session.member_id, session.claims) == (made.pk, {"plan": "free"})
        assert set(found(discover())) == {ada.pk, made.pk}

    def test_a_django_user_is_the_same_in_it(self, ada):
        linked(ada)
        made = self.create(discovered()).member
        assert (made.user_id, made.password) == (fresh(ada).user_id, "")
        assert set(found(discover())) == {ada.pk, made.pk}

    def test_without_a_name_it_has_that_of_the_address(self, ada):
        assert self.create(discovered()).member.organization.name == "example.com"

    def test_a_long_domain_makes_a_name_that_is_cut(self, ada):
        domain = ".".join(["a" * 60] * 3)
        Member.objects.update(email=f"ada@{domain}", email_key=f"ada@{domain}")
        made = self.create(discovered(email=f"ada@{domain}")).member
        assert made.organization.name == domain[:128]

    def test_its_policy_counts_at_once(self, ada):
        done = self.create(discovered(), mfa_policy="REQUIRED_FOR_ALL")
        assert (done.granted, done.mfa_owed) == (None, True)
        login = present(intermediate_session_token=done.intermediate_session_token)
        assert (login.member_id, login.begun_at) == (done.member.pk, BROWSER.place)

    def test_se02_one_login_makes_one(self, ada):
        proof = discovered()
        self.create(proof)
        before = Organization.objects.count()
        assert refusal(lambda: self.create(proof)) is errors.IntermediateSessionNotFound
        assert refusal(lambda: go_to(ada, proof)) is errors.IntermediateSessionNotFound
        assert Organization.objects.count() == before

    def test_one_that_is_refused_leaves_nothing_and_uses_nothing_up(self, ada):
        proof = discovered()
        taken = ada.organization.slug
        assert refusal(lambda: self.create(proof, name="New", slug=taken)) is errors.OrganizationSlugAlreadyUsed
        assert refusal(lambda: self.create(proof, name="New", claims={"sub": "x"})) is errors.ReservedClaims
        assert (Organization.objects.count(), Member.objects.count()) == (1, 1)
        assert self.create(proof, name="New").granted

    def test_only_a_login_by_discovery_makes_one(self, ada):
        for proof in (None, session_of(ada, "password"), begin(ada)):
            assert refusal(lambda proof=proof: self.create(proof)) is errors.IntermediateSessionNotFound
        assert Organization.objects.count() == 1

    def test_te05_a_login_whose_person_is_another_by_now_makes_none(self, ada):
        proof = discovered()
        members.update(ada, email="victim@example.com", actor=BROWSER)
        assert refusal(lambda: self.create(proof)) is errors.IntermediateSessionNotFound
        assert Organization.objects.count() == 1

    def test_te05_an_address_changed_at_that_moment_is_not_carried_over(self, ada, monkeypatch):
        proof, hold = discovered(), members.hold

        def hold_too_late(one):
            Member.objects.filter(pk=ada.pk).update(email="victim@example.com", email_key="victim@example.com")
            hold(one)

        monkeypatch.setattr(members, "hold", hold_too_late)
        assert refusal(lambda: self.create(proof)) is errors.IntermediateSessionNotFound
        assert not Member.objects.exclude(pk=ada.pk).exists()


def _migrate(one):
    encoded = hashes.encode("bcrypt", bcrypt.hashpw(b"another password", bcrypt.gensalt(4)).decode(), {})
    passwords.migrate(one.organization, email=one.email, encoded=encoded, actor=ACTOR)


def _bring_back(one):
    members.delete(one, actor=ACTOR)
    members.reactivate(Member.objects.select_related("organization").get(pk=one.pk), actor=ACTOR)
    Member.objects.filter(pk=one.pk).update(password=one.password)


class TestALoginThatIsOvertaken:
    """SE-03: a login under way ends with what it was made of, or with all that its member could act by."""

    ENDS = {
        "revoked": lambda one: sessions.revoke_of_member(one, actor=ACTOR),
        "deleted and brought back": _bring_back,
        "another password": _migrate,
        "the user's password": lambda _: User.objects.update(password="x"),
        "another user": lambda one: Member.objects.filter(pk=one.pk).update(user=User.objects.create_user("eve")),
        "another address": lambda one: members.update(one, email="eve@example.com", actor=ACTOR),
        "an address nobody vouches for": lambda one: Member.objects.filter(pk=one.pk).update(email_verified=False),
    }

    @pytest.mark.parametrize("name", ENDS)
    def test_se03_it_is_worth_nothing(self, name):
        one, other = person(), person()
        if "user" in name:
            linked(one)
        secret, _ = enrol(one)
        proof = discovered()
        self.ENDS[name](fresh(one))
        assert refusal(lambda: go_to(one, proof)) is errors.MemberNotFound
        assert found(discovery.memberships(proof)) == [other.pk]

        def confirm():
            return verification.authenticate(fresh(one), code=code_of(secret), proof=proof, actor=ACTOR)

        assert refusal(confirm) in (errors.MemberMismatch, errors.OnlyForActiveMembers)
        assert budget(one, "totp") == (0, 0)
        assert go_to(other, proof).granted

    @pytest.mark.parametrize(
        "name", ["revoked", "another password", "another address", "an address nobody vouches for"]
    )
    def test_se03_even_at_the_last_moment(self, name, monkeypatch):
        one = person()
        proof = discovered()
        monkeypatch.setattr(signing, "ready", lambda: self.ENDS[name](fresh(one)))
        assert refusal(lambda: go_to(one, proof)) is errors.MemberNotFound
        assert not Session.objects.exists()

    @pytest.mark.parametrize(
        "change", [{"email": "eve@example.com"}, {"email_verified": False}], ids=["another address", "unverified"]
    )
    @pytest.mark.parametrize("whose", ["home", "away"])
    def test_te05_a_switch_is_decided_by_the_addresses_as_they_stand(self, monkeypatch, change, whose):
        people = {"home": person(), "away": person()}
        linked(*people.values())
        source = session_of(fresh(people["home"]), "password")
        if "email" in change:
            change = {**change, "email_key": change["email"]}

        def overtake():
            Member.objects.filter(pk=people[whose].pk).update(**change)
            source.refresh_from_db()

        monkeypatch.setattr(signing, "ready", overtake)
        assert refusal(lambda: go_to(people["away"], source)) is errors.MemberNotFound


@pytest.mark.parametrize("guarded", [True, False])
def test_a_password_alone_makes_no_organization_for_a_user_who_has_a_totp(configure, guarded):
    """Its thief would be a member there who owes nothing, wherever a site asks the user and not the member."""
    configure(GUARD_OTHER_FACTORS=guarded)
    ada = person()
    linked(ada)
    enrol(fresh(ada))
    proof = discovered(actor=BROWSER)
    if guarded:
        with pytest.raises(errors.OtherFactorRequired):
            discovery.create_organization(proof, actor=BROWSER)
        assert Organization.objects.count() == 1
    assert discovery.create_organization(proof, actor=ACTOR if guarded else BROWSER).member.pk
