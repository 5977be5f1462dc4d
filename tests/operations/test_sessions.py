import jwt as pyjwt
import pytest
from django.db import connection

from stytch_totp import errors
from stytch_totp.core.factors import factor
from stytch_totp.models import IntermediateSession, Member, Organization, Session, SigningKey
from stytch_totp.operations import members, organizations, sessions, signing, verification
from tests.factories import ACTOR, code_of, make_member
from tests.operations.situations import begin, fresh, session_of

pytestmark = pytest.mark.django_db(transaction=True)


def grant(member, *, minutes=None, claims=None, proof=None, kind="password", rotate=True):
    draft = sessions.draft(
        member, proof, factor(kind, member.pk, 1_800_000_000), minutes=minutes, claims=claims, rotate=rotate
    )
    draft.write()
    return draft.granted


def claims_of(token):
    return pyjwt.decode(token, options={"verify_signature": False})


def test_a_session_lives_an_hour_unless_told_otherwise(member, clock):
    assert grant(member).session.expires_at == 1_800_000_000 + 3600
    assert grant(member, minutes=5).session.expires_at == 1_800_000_000 + 300
    token = grant(member, minutes=5).token
    clock.advance(299)
    assert sessions.find(session_token=token)
    clock.advance(1)
    with pytest.raises(errors.SessionNotFound):
        sessions.find(session_token=token)


def test_se03_an_intermediate_session_lives_ten_minutes_to_the_second(enrolled, clock):
    member, secret, _ = enrolled
    proof, late = begin(member), begin(member)
    token = sessions.begin(member, factor("password", None, int(clock())))
    clock.advance(599)
    assert verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)
    clock.advance(1)
    with pytest.raises(errors.IntermediateSessionNotFound):
        sessions.present(intermediate_session_token=token)
    with pytest.raises(errors.IntermediateSessionNotFound):
        verification.authenticate(fresh(member), code=code_of(secret, steps=1), proof=late, actor=ACTOR)


def test_se03_a_used_or_revoked_intermediate_session_is_unknown(enrolled):
    member, secret, _ = enrolled
    token = sessions.begin(member, factor("password", None, 0))
    proof = sessions.present(intermediate_session_token=token)
    verification.authenticate(member, code=code_of(secret), proof=proof, actor=ACTOR)
    other = sessions.begin(member, factor("password", None, 0))
    sessions.revoke_of_member(member, actor=ACTOR)
    for dead in (token, other):
        with pytest.raises(errors.IntermediateSessionNotFound):
            sessions.present(intermediate_session_token=dead)


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
    proof = sessions.find(session_token=before.token)
    after = grant(member, proof=proof, kind="totp")
    assert after.session.pk == before.session.pk
    assert (after.token != before.token) == rotates
    assert sessions.find(session_token=after.token).factors[1]["type"] == "totp"
    if rotates:
        with pytest.raises(errors.SessionNotFound):
            sessions.find(session_token=before.token)


def test_a_factor_shown_again_is_refreshed_not_repeated(member, clock):
    session = session_of(member, "password", "totp")
    clock.advance(60)
    again = sessions.draft(member, session, factor("totp", member.pk, int(clock()))).granted.session
    assert [(one["type"], one["last_authenticated_at"] - one["created_at"]) for one in again.factors] == [
        ("password", 0),
        ("totp", 60),
    ]


def test_se07_a_token_that_the_client_chose_is_not_adopted(member):
    for chosen in ("A" * 44, "B" * 43 + "="):
        with pytest.raises(errors.SessionNotFound):
            sessions.find(session_token=chosen)
        with pytest.raises(errors.IntermediateSessionNotFound):
            sessions.present(intermediate_session_token=chosen)
    assert not Session.objects.exists()


@pytest.mark.parametrize(
    "malformed", ["", "x", "A" * 43, "A" * 45, "A" * 43 + "\n", "Ä" * 44, "A" * 20 + "/" + "A" * 23]
)
def test_a_malformed_token_is_told_apart_before_any_query(member, malformed, django_assert_num_queries):
    with django_assert_num_queries(0):
        if malformed:
            with pytest.raises(errors.InvalidSessionToken):
                sessions.present(session_token=malformed)
            with pytest.raises(errors.InvalidSessionToken):
                sessions.present(intermediate_session_token=malformed)
        else:
            assert sessions.present() is None


def test_only_one_credential_may_be_shown(member):
    granted = grant(member)
    with pytest.raises(errors.TooManySessionArguments):
        sessions.present(session_token=granted.token, session_jwt=granted.jwt)


def test_se01_the_database_keeps_no_token_in_clear(member):
    granted = grant(member)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token_digest, sealed_token FROM stytch_totp_session")
        digest, sealed = cursor.fetchone()
    assert granted.token not in digest
    assert granted.token.encode() not in bytes(sealed)
    with pytest.raises((errors.InvalidSessionToken, errors.SessionNotFound)):
        sessions.find(session_token=digest[:44])


def test_a_jwt_leads_back_to_its_session_expired_or_not(member, clock):
    granted = grant(member)
    for _ in range(2):
        again = sessions.authenticate(session_jwt=granted.jwt)
        assert (again.session.pk, again.token) == (granted.session.pk, granted.token)
        clock.advance(301)


def test_authenticating_extends_only_on_request(member, clock):
    granted = grant(member)
    clock.advance(60)
    assert sessions.authenticate(session_token=granted.token).session.expires_at == 1_800_003_600
    extended = sessions.authenticate(session_token=granted.token, minutes=120)
    assert extended.session.expires_at == 1_800_000_060 + 7200
    row = Session.objects.get()
    assert (row.last_accessed_at, row.expires_at) == (1_800_000_060, 1_800_000_060 + 7200)


def test_custom_claims_are_merged_into_the_session_and_its_jwt(member):
    granted = grant(member, claims={"plan": "free", "flags": {"a": 1}})
    again = sessions.authenticate(session_token=granted.token, claims={"plan": None, "flags": {"b": 2}})
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
        sessions.authenticate(session_token=granted.token, claims=claims)


def test_se08_a_revoked_session_is_dead_at_once_by_token_and_by_jwt(member):
    granted = grant(member)
    sessions.revoke(granted.session, actor=ACTOR)
    for credential in ({"session_token": granted.token}, {"session_jwt": granted.jwt}):
        with pytest.raises(errors.SessionNotFound):
            sessions.authenticate(**credential)
    with pytest.raises(errors.SessionNotFound):
        sessions.revoke(granted.session, actor=ACTOR)


def test_se08_deleting_the_member_or_the_organization_ends_every_session(member):
    colleague = make_member(organization=member.organization)
    mine, theirs = grant(member), grant(colleague)
    members.delete(member, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        sessions.find(session_token=mine.token)
    organizations.delete(member.organization, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        sessions.find(session_token=theirs.token)
    assert not Session.objects.exists()


def test_se18_a_session_revoked_since_it_was_read_is_not_stepped_up(member):
    session = session_of(member, "password")
    draft = sessions.draft(member, session, factor("totp", member.pk, 0))
    sessions.revoke(session, actor=ACTOR)
    with pytest.raises(errors.SessionNotFound):
        draft.write()
    assert not sessions.of_member(member)


def test_a_session_revoked_while_it_is_authenticated_is_not_extended(member, monkeypatch):
    granted = grant(member)
    find = sessions.find

    def find_and_revoke(**credential):
        found = find(**credential)
        sessions.revoke(found, actor=ACTOR)
        return found

    monkeypatch.setattr(sessions, "find", find_and_revoke)
    with pytest.raises(errors.SessionNotFound):
        sessions.authenticate(session_token=granted.token, minutes=120)


def test_two_changes_at_once_where_tokens_stay_ask_the_later_to_try_again(member, configure):
    configure(ROTATE_SESSION_TOKEN=False)
    session = session_of(member, "password")
    first = sessions.draft(member, session, factor("totp", member.pk, 0))
    second = sessions.draft(member, session, factor("recovery_codes", member.pk, 0))
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
        sessions.find(session_jwt=granted.jwt)
    for bad in ("session-live-" + str(granted.session.pk), "x", None):
        payload["https://stytch.com/session"]["id"] = bad
        with pytest.raises(errors.InvalidSessionID):
            sessions.find(session_jwt=signing.sign(payload))
    with pytest.raises(errors.UnableToParseSessionJWT):
        sessions.find(session_jwt="x.y.z")


def test_roles_stand_in_the_jwt(member):
    Member.objects.update(roles=["stytch_admin"])
    granted = grant(fresh(member))
    assert claims_of(granted.jwt)["https://stytch.com/session"]["roles"] == ["stytch_member", "stytch_admin"]


def test_sessions_are_listed_alive_and_oldest_first(member, clock):
    old = grant(member, minutes=5)
    clock.advance(60)
    new, gone = grant(member), grant(member)
    sessions.revoke_by_id(gone.session.pk, actor=ACTOR)
    assert [one.pk for one in sessions.of_member(member)] == [old.session.pk, new.session.pk]
    clock.advance(240)
    assert [one.pk for one in sessions.of_member(member)] == [new.session.pk]
    with pytest.raises(errors.SessionNotFound):
        sessions.revoke_by_id(old.session.pk, actor=ACTOR)


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
        assert sessions.find(session_jwt=granted.jwt)
        assert [key.current for key in signing.key_set()] == ["current", None]
        SigningKey.objects.filter(current=None).delete()
        with pytest.raises(errors.UnableToParseSessionJWT):
            sessions.find(session_jwt=granted.jwt)

    def test_tokens_of_another_project_are_not_ours(self, member, configure):
        granted = grant(member)
        configure(PROJECT_ID="project-test-99999999-9999-4999-8999-999999999999")
        with pytest.raises(errors.UnableToParseSessionJWT):
            sessions.find(session_jwt=granted.jwt)
        configure(PROJECT_ID="project-live-11111111-1111-4111-8111-111111111111")
        with pytest.raises(errors.UnableToParseSessionJWT):
            sessions.find(session_jwt=granted.jwt)


def test_te07_a_member_made_anew_inherits_nothing(member):
    email, organization = member.email, member.organization
    ids = set()
    for _ in range(20):
        made = members.by_email(organization, email)
        ids.add(made.pk)
        grant(made)
        sessions.begin(made, factor("password", None, 0))
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
