import jwt as pyjwt
import pytest
from django.db import connection

from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.core.factors import factor
from stytch_totp.models import IntermediateSession, Member, Organization, Session, SigningKey
from stytch_totp.operations import enrolment, grants, members, organizations, sessions, signing, verification
from tests.factories import ACTOR, code_of, make_member
from tests.operations.situations import (
    BROWSER,
    CONSUMER,
    ELSEWHERE,
    TENANT,
    authenticate,
    begin,
    find,
    fresh,
    present,
    refusal,
    session_of,
    user,
)

pytestmark = pytest.mark.django_db(transaction=True)


def grant(member, *, minutes=None, claims=None, proof=None, kind="password", rotate=True):
    shown = grants.with_factor(proof, factor(kind, member.pk, 1_800_000_000))
    draft = grants.draft(member, proof, shown, actor=ACTOR, minutes=minutes, claims=claims, rotate=rotate)
    draft.write()
    return draft.granted


def begun(member):
    return grants.begin(member, [factor("password", None, 1_800_000_000)], ACTOR)


def step_up(member, session, kind="totp", at=0):
    return grants.draft(member, session, grants.with_factor(session, factor(kind, member.pk, at)), actor=ACTOR)


def claims_of(token):
    return pyjwt.decode(token, options={"verify_signature": False})


def test_a_session_lives_an_hour_unless_told_otherwise(member, clock):
    assert grant(member).session.expires_at == 1_800_000_000 + 3600
    assert grant(member, minutes=5).session.expires_at == 1_800_000_000 + 300
    token = grant(member, minutes=5).token
    clock.advance(299)
    assert find(session_token=token)
    clock.advance(1)
    with pytest.raises(errors.SessionNotFound):
        find(session_token=token)


def test_se03_an_intermediate_session_lives_ten_minutes_to_the_second(enrolled, clock):
    member, secret, _ = enrolled
    proof, late = begin(member), begin(member)
    token = begun(member)
    clock.advance(599)
    assert verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)
    clock.advance(1)
    with pytest.raises(errors.IntermediateSessionNotFound):
        present(intermediate_session_token=token)
    with pytest.raises(errors.IntermediateSessionNotFound):
        verification.authenticate(fresh(member), code=code_of(secret, steps=1), proof=late, actor=ACTOR)


def test_se03_a_used_or_revoked_intermediate_session_is_unknown(enrolled):
    member, secret, _ = enrolled
    token = begun(member)
    proof = present(intermediate_session_token=token)
    verification.authenticate(member, code=code_of(secret), proof=proof, actor=ACTOR)
    other = begun(member)
    sessions.revoke_of_member(member, actor=ACTOR)
    for dead in (token, other):
        with pytest.raises(errors.IntermediateSessionNotFound):
            present(intermediate_session_token=dead)


def test_se02_an_intermediate_session_used_since_it_was_read_makes_no_second_session(enrolled, clock):
    member, secret, _ = enrolled
    proof = begin(member)
    verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)
    clock.advance(30)
    with pytest.raises(errors.IntermediateSessionNotFound):
        verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)
    assert Session.objects.count() == 1


@pytest.mark.parametrize("rotates", [True, False])
def test_se06_stepping_up_issues_a_new_token_and_ends_the_old_one(member, configure, rotates):
    configure(ROTATE_SESSION_TOKEN=rotates)
    before = grant(member)
    proof = find(session_token=before.token)
    after = grant(member, proof=proof, kind="totp")
    assert after.session.pk == before.session.pk
    assert (after.token != before.token) == rotates
    assert find(session_token=after.token).factors[1]["type"] == "totp"
    if rotates:
        with pytest.raises(errors.SessionNotFound):
            find(session_token=before.token)


def test_a_factor_shown_again_is_refreshed_not_repeated(member, clock):
    session = session_of(member, "password", "totp")
    clock.advance(60)
    again = step_up(member, session, at=int(clock())).granted.session
    assert [(one["type"], one["last_authenticated_at"] - one["created_at"]) for one in again.factors] == [
        ("password", 0),
        ("totp", 60),
    ]


def test_se07_a_token_that_the_client_chose_is_not_adopted(member):
    for chosen in ("A" * 44, "B" * 43 + "="):
        with pytest.raises(errors.SessionNotFound):
            find(session_token=chosen)
        with pytest.raises(errors.IntermediateSessionNotFound):
            present(intermediate_session_token=chosen)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "malformed", ["", "x", "A" * 43, "A" * 45, "A" * 43 + "\n", "Ä" * 44, "A" * 20 + "/" + "A" * 23]
)
def test_a_malformed_token_is_told_apart_before_any_query(member, malformed, django_assert_num_queries):
    with django_assert_num_queries(0):
        if malformed:
            with pytest.raises(errors.InvalidSessionToken):
                present(session_token=malformed)
            with pytest.raises(errors.InvalidSessionToken):
                present(intermediate_session_token=malformed)
        else:
            assert present() is None


def test_only_one_credential_may_be_shown(member):
    granted = grant(member)
    with pytest.raises(errors.TooManySessionArguments):
        present(session_token=granted.token, session_jwt=granted.jwt)


def test_se01_the_database_keeps_no_token_in_clear(member):
    granted = grant(member)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token_digest, sealed_token FROM stytch_totp_session")
        digest, sealed = cursor.fetchone()
    assert granted.token not in digest
    assert granted.token.encode() not in bytes(sealed)
    with pytest.raises((errors.InvalidSessionToken, errors.SessionNotFound)):
        find(session_token=digest[:44])


def test_a_jwt_leads_back_to_its_session_expired_or_not(member, clock):
    granted = grant(member)
    for _ in range(2):
        again = authenticate(session_jwt=granted.jwt)
        assert (again.session.pk, again.token) == (granted.session.pk, granted.token)
        clock.advance(301)


def test_authenticating_extends_only_on_request(member, clock):
    granted = grant(member)
    clock.advance(60)
    assert authenticate(session_token=granted.token).session.expires_at == 1_800_003_600
    extended = authenticate(session_token=granted.token, minutes=120)
    assert extended.session.expires_at == 1_800_000_060 + 7200
    row = Session.objects.get()
    assert (row.last_accessed_at, row.expires_at) == (1_800_000_060, 1_800_000_060 + 7200)


def test_custom_claims_are_merged_into_the_session_and_its_jwt(member):
    granted = grant(member, claims={"plan": "free", "flags": {"a": 1}})
    again = authenticate(session_token=granted.token, claims={"plan": None, "flags": {"b": 2}})
    assert again.session.claims == {"flags": {"a": 1, "b": 2}}
    assert claims_of(again.jwt)["flags"] == {"a": 1, "b": 2}
    assert "plan" not in claims_of(again.jwt)


@pytest.mark.parametrize(
    ("claims", "refusal"),
    [
        ({"sub": "member-test-other"}, errors.ReservedClaims),
        ({"exp": 1}, errors.ReservedClaims),
        ({"https://stytch.com/session": {}}, errors.StytchClaims),
        ({"big": "x" * 4096}, errors.CustomClaimsTooLarge),
    ],
)
def test_se10_custom_claims_cannot_pose_as_ours(member, claims, refusal):
    with pytest.raises(refusal):
        grant(member, claims=claims)
    granted = grant(member)
    with pytest.raises(refusal):
        authenticate(session_token=granted.token, claims=claims)


def test_se08_a_revoked_session_is_dead_at_once_by_token_and_by_jwt(member):
    granted = grant(member)
    sessions.revoke(granted.session, actor=ACTOR)
    for credential in ({"session_token": granted.token}, {"session_jwt": granted.jwt}):
        with pytest.raises(errors.SessionNotFound):
            authenticate(**credential)
    with pytest.raises(errors.SessionNotFound):
        sessions.revoke(granted.session, actor=ACTOR)


def test_se08_deleting_the_member_or_the_organization_ends_every_session(member):
    colleague = make_member(organization=member.organization)
    mine, theirs = grant(member), grant(colleague)
    members.delete(member, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        find(session_token=mine.token)
    organizations.delete(member.organization, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        find(session_token=theirs.token)
    assert not Session.objects.exists()


def test_se18_a_session_revoked_since_it_was_read_is_not_stepped_up(member):
    session = session_of(member, "password")
    draft = step_up(member, session)
    sessions.revoke(session, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        draft.write()
    assert not sessions.of_member(member)


def test_a_session_revoked_while_it_is_authenticated_is_not_extended(member):
    found = find(session_token=grant(member).token)
    sessions.revoke(found, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        sessions.authenticate(found, minutes=120)


def test_two_changes_at_once_where_tokens_stay_ask_the_later_to_try_again(member, configure):
    configure(ROTATE_SESSION_TOKEN=False)
    session = session_of(member, "password")
    first = step_up(member, session)
    second = step_up(member, session, "recovery_codes")
    first.write()
    with pytest.raises(errors.ServiceUnavailable):
        second.write()
    assert [one["type"] for one in Session.objects.get().factors] == ["password", "totp"]


def test_a_jwt_says_of_factors_what_the_row_says(member):
    session = session_of(member, "password", "totp")
    payload = claims_of(signing.mint(session))
    found = payload["https://stytch.com/session"]["authentication_factors"]
    assert [one["type"] for one in found] == ["password", "totp"]
    assert payload["exp"] - payload["iat"] == 300
    assert payload["sub"] == f"member-test-{member.pk}"


def test_a_jwt_of_an_unknown_session_or_without_a_good_id_names_nobody(member):
    granted = grant(member)
    payload = claims_of(granted.jwt)
    Session.objects.all().delete()
    with pytest.raises(errors.SessionNotFound):
        find(session_jwt=granted.jwt)
    for bad in ("session-live-" + str(granted.session.pk), "x", None):
        payload["https://stytch.com/session"]["id"] = bad
        with pytest.raises(errors.InvalidSessionID):
            find(session_jwt=signing.sign(payload))
    with pytest.raises(errors.UnableToParseSessionJWT):
        find(session_jwt="x.y.z")


def test_roles_stand_in_the_jwt(member):
    Member.objects.update(roles=["stytch_admin"])
    granted = grant(fresh(member))
    assert claims_of(granted.jwt)["https://stytch.com/session"]["roles"] == ["stytch_member", "stytch_admin"]


def test_sessions_are_listed_alive_and_oldest_first(member, clock):
    old = grant(member, minutes=5)
    clock.advance(60)
    new, gone = grant(member), grant(member)
    sessions.revoke(sessions.find_by_id(TENANT, gone.session.pk), actor=ACTOR)
    assert [one.pk for one in sessions.of_member(member)] == [old.session.pk, new.session.pk]
    clock.advance(240)
    assert [one.pk for one in sessions.of_member(member)] == [new.session.pk]
    for ended in (old, gone):
        with pytest.raises(errors.SessionNotFound):
            sessions.find_by_id(TENANT, ended.session.pk)


class TestSigningKeys:
    def test_the_first_signature_makes_the_first_key(self, member):
        assert not SigningKey.objects.exists()
        grant(member)
        assert SigningKey.objects.get().current == "current"
        assert b"PRIVATE" not in bytes(SigningKey.objects.get().sealed_private)

    def test_a_key_that_another_worker_made_first_signs(self, db, monkeypatch):
        make = signing._make

        def overtaken():
            make()
            make()

        monkeypatch.setattr(signing, "_make", overtaken)
        assert len(signing.key_set()) == 1

    def test_a_retired_key_still_verifies_and_a_deleted_one_does_not(self, member, clock):
        granted = grant(member)
        SigningKey.objects.update(current=None)
        clock.advance(61)
        newer = grant(member)
        assert len({pyjwt.get_unverified_header(one.jwt)["kid"] for one in (granted, newer)}) == 2
        assert find(session_jwt=granted.jwt)
        assert [key.current for key in signing.key_set()] == ["current", None]
        SigningKey.objects.filter(current=None).delete()
        with pytest.raises(errors.UnableToParseSessionJWT):
            find(session_jwt=granted.jwt)

    def test_tokens_of_another_project_are_not_ours(self, member, configure):
        granted = grant(member)
        configure(PROJECT_ID="project-test-99999999-9999-4999-8999-999999999999")
        with pytest.raises(errors.UnableToParseSessionJWT):
            find(session_jwt=granted.jwt)
        configure(PROJECT_ID="project-live-11111111-1111-4111-8111-111111111111", PUBLIC_TOKENS=[])
        with pytest.raises(errors.UnableToParseSessionJWT):
            find(session_jwt=granted.jwt)


def test_te07_a_member_made_anew_inherits_nothing(member):
    email, organization = member.email, member.organization
    ids = set()
    for _ in range(20):
        made = members.by_email(organization, email)
        ids.add(made.pk)
        grant(made)
        begun(made)
        members.delete(made, actor=ACTOR)
        members.create(organization, email=email, actor=ACTOR)
    assert len(ids) == 20
    assert not Session.objects.live(1_800_000_000).exists()
    assert not IntermediateSession.objects.filter(used_at=None).exists()


def test_dj07_times_mean_the_same_in_every_time_zone(enrolled, settings, clock):
    member, secret, _ = enrolled
    for zone, use_tz in (("America/New_York", True), ("Pacific/Kiritimati", False), ("Europe/Berlin", True)):
        settings.TIME_ZONE, settings.USE_TZ = zone, use_tz
        clock.at = 1_793_514_600.0 + clock.at % 30  # 06:30 UTC on the day that New York's summer time ends
        Organization.objects.update(updated_at=int(clock()))
        type(member).objects.filter(pk=member.pk).update(updated_at=int(clock()))
        member.registrations.update(last_step=-1)
        done = verification.authenticate(fresh(member), code=code_of(secret), proof=begin(member), actor=ACTOR)
        assert done.granted.session.expires_at == int(clock()) + 3600


def test_se13_a_jwt_from_before_the_step_up_goes_on_saying_one_factor(enrolled, clock):
    member, secret, _ = enrolled
    session = session_of(member, "password")
    early = signing.mint(session)
    clock.advance(60)
    done = verification.authenticate(fresh(member), code=code_of(secret), proof=session, actor=ACTOR)

    def told(token):
        payload = signing.jwt.verify(token, find_key=signing._find_key, audience=conf().project_id)
        return [one["type"] for one in payload["https://stytch.com/session"]["authentication_factors"]]

    assert told(early) == ["password"]
    assert told(done.granted.jwt) == ["password", "totp"]


class TestWhoKnowsWhat:
    """TE-06: Members and Users are rows of one table, and each product knows its own alone."""

    @pytest.fixture
    def people(self, member):
        return {TENANT: member, CONSUMER: user()}

    @pytest.mark.parametrize("asked", [TENANT, CONSUMER])
    @pytest.mark.parametrize("kind", [TENANT, CONSUMER])
    def test_te06_a_product_knows_its_own_sessions_alone(self, people, kind, asked):
        granted = grant(people[kind], minutes=60)
        for look in (
            lambda: sessions.find(asked, session_token=granted.token),
            lambda: sessions.find(asked, session_jwt=granted.jwt),
            lambda: sessions.find_by_id(asked, granted.session.pk),
            lambda: present(kind=asked, session_token=granted.token),
            lambda: present(kind=asked, session_jwt=granted.jwt),
        ):
            assert refusal(look) is (None if kind == asked else errors.SessionNotFound)
        assert find(session_token=granted.token) == find(session_jwt=granted.jwt) == granted.session

    @pytest.mark.parametrize("asked", [TENANT, CONSUMER])
    def test_te06_a_login_is_known_where_it_began(self, people, asked):
        nobodys = grants.begin(None, [], ACTOR, discovered=[people[TENANT]])
        for token, kind in ((begun(people[TENANT]), TENANT), (begun(people[CONSUMER]), CONSUMER), (nobodys, TENANT)):
            refused = refusal(lambda token=token: present(kind=asked, intermediate_session_token=token))
            assert refused is (None if kind == asked else errors.IntermediateSessionNotFound)

    @pytest.mark.parametrize("kind", [TENANT, CONSUMER])
    def test_a_deleted_persons_session_is_known_to_nobody(self, people, kind):
        granted, login = grant(people[kind], minutes=60), begun(people[kind])
        Member.objects.update(status="deleted")
        for asked in (None, kind):
            assert (
                refusal(lambda asked=asked: sessions.find(asked, session_token=granted.token)) is errors.SessionNotFound
            )
        assert refusal(lambda: sessions.find_by_id(kind, granted.session.pk)) is errors.SessionNotFound
        refused = refusal(lambda: present(kind=kind, intermediate_session_token=login))
        assert refused is errors.IntermediateSessionNotFound


@pytest.mark.parametrize("binds", [True, False])
@pytest.mark.parametrize("began", [ACTOR, BROWSER, ELSEWHERE], ids=["back end", "this page", "another page"])
@pytest.mark.parametrize("shown_at", [ACTOR, BROWSER], ids=["to a back end", "at this page"])
def test_se05_a_login_that_a_page_began_goes_on_there_or_at_the_back_end(member, configure, binds, began, shown_at):
    configure(BIND_INTERMEDIATE_SESSION=binds)
    carried_off = binds and began is ELSEWHERE and shown_at is BROWSER
    for whose, discovered in ((member, []), (None, [member])):
        token = grants.begin(whose, [], began, discovered=discovered)
        refused = refusal(lambda token=token: present(shown_at, intermediate_session_token=token))
        assert refused is (errors.IntermediateSessionNotFound if carried_off else None)


def test_a_user_has_no_session_unless_asked_for(db):
    person = user()
    shown = [factor("password", None, 1_800_000_000)]
    empty = grants.draft(person, None, shown, actor=ACTOR)
    empty.write()
    assert (empty.granted, Session.objects.exists()) == (None, False)
    assert grants.draft(person, None, shown, actor=ACTOR, minutes=5).granted.session.expires_at == 1_800_000_300
    session = session_of(person, "password")
    assert grants.draft(person, session, shown, actor=ACTOR).granted.session.pk == session.pk


def test_a_users_jwt_speaks_the_consumer_product(db):
    person = user(roles=["editor"])
    payload = claims_of(signing.mint(session_of(person, "password", "totp")))
    told = payload["https://stytch.com/session"]
    assert payload["sub"] == f"user-test-{person.pk}"
    assert told["roles"] == ["stytch_user", "editor"]
    assert told["authentication_factors"][1]["authenticator_app_factor"] == {"totp_id": f"totp-test-{person.pk}"}
    assert not any("organization" in name for name in payload)


@pytest.mark.parametrize("rotates", [True, False])
def test_a_jwt_that_stepping_up_ended_stays_dead_when_the_factor_is_removed(enrolled, clock, configure, rotates):
    configure(ROTATE_SESSION_TOKEN=rotates)
    member, secret, _ = enrolled
    session = session_of(member, "password")
    leaked = signing.mint(session)
    clock.advance(60)
    verification.authenticate(fresh(member), code=code_of(secret), proof=session, actor=ACTOR)
    clock.advance(60)
    ended = errors.SessionNotFound if rotates else None
    assert refusal(lambda: find(session_jwt=leaked)) is ended
    enrolment.delete(fresh(member), actor=ACTOR)
    assert refusal(lambda: find(session_jwt=leaked)) is ended
    assert find(session_jwt=signing.mint(Session.objects.get()))


def test_where_a_jwt_must_be_in_time_it_lives_five_minutes_to_the_second(member, clock):
    granted = grant(member)

    def look():
        return sessions.find(TENANT, session_jwt=granted.jwt, expired_jwt=False)

    clock.advance(299)
    assert look()
    clock.advance(1)
    assert refusal(look) is errors.SessionNotFound
    assert find(session_jwt=granted.jwt)
    assert sessions.find(TENANT, session_token=granted.token, expired_jwt=False)


def test_a_session_is_held_as_it_was_read_or_not_at_all(member, configure):
    configure(ROTATE_SESSION_TOKEN=False)
    session = session_of(member, "password")
    step_up(member, session).write()
    assert refusal(lambda: sessions.hold(session)) is errors.ServiceUnavailable
    session.refresh_from_db()
    assert refusal(lambda: sessions.hold(session)) is None
    sessions.revoke(session, actor=ACTOR)
    assert refusal(lambda: sessions.hold(Session.objects.get())) is errors.SessionNotFound
