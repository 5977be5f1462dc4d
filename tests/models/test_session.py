import pytest
from django.db import IntegrityError, transaction

from stytch_totp.core import jwt, tokens
from stytch_totp.core.sealing import Tampered
from stytch_totp.models import IntermediateSession, Session, SigningKey
from tests.factories import MemberFactory

NOW = 1_800_000_000
TOKEN = "A" * 44

pytestmark = pytest.mark.django_db


def started(member, token=TOKEN, **fields) -> Session:
    made = Session(
        member=member,
        token_digest=tokens.digest("session", token),
        started_at=NOW,
        last_accessed_at=NOW,
        **{"expires_at": NOW + 300, **fields},
    )
    made.sealed_token = made.seal(token)
    made.save(force_insert=True)
    return made


def owed(member, **fields) -> IntermediateSession:
    return IntermediateSession.objects.create(
        member=member, token_digest=tokens.digest("ist", TOKEN), created_at=NOW, **{"expires_at": NOW + 600, **fields}
    )


# Sessions


@pytest.mark.parametrize(
    ("fields", "at", "live"),
    [
        ({}, NOW, True),
        ({}, NOW + 299, True),
        ({}, NOW + 300, False),
        ({}, NOW + 301, False),
        ({"revoked_at": NOW}, NOW, False),
        ({"revoked_at": NOW + 1}, NOW, False),
        ({"revoked_at": 0}, NOW, False),
    ],
)
def test_a_session_lives_until_it_expires_or_is_revoked(member, fields, at, live):
    started(member, **fields)
    assert Session.objects.live(at).exists() is live


def test_se18_of_two_changes_to_what_was_read_one_is_written(member):
    started(member)
    one, other = Session.objects.get(), Session.objects.get()
    assert Session.objects.advance(one, NOW, factors=["one"]) is True
    assert Session.objects.advance(other, NOW, factors=["other"]) is False
    kept = Session.objects.get()
    assert (kept.factors, kept.version) == (["one"], 1)
    assert Session.objects.advance(kept, NOW, factors=["one", "more"])


@pytest.mark.parametrize("ended", [{"revoked_at": NOW}, {"expires_at": NOW}], ids=["revoked", "expired"])
def test_se18_an_ended_session_is_not_revived_by_a_late_write(member, ended):
    read = started(member)
    Session.objects.update(**ended)
    assert Session.objects.advance(read, NOW, expires_at=NOW + 10**6, revoked_at=None) is False
    assert not Session.objects.live(NOW).exists()


def test_a_change_touches_one_session(member):
    session, other = started(member), started(member, "B" * 44)
    assert Session.objects.advance(session, NOW, expires_at=NOW + 999)
    other.refresh_from_db()
    assert (other.expires_at, other.version) == (NOW + 300, 0)


def test_a_deleted_session_is_not_changed(member):
    session = started(member)
    Session.objects.all().delete()
    assert not Session.objects.advance(session, NOW, expires_at=NOW + 999)


def test_se01_the_row_holds_no_token(member):
    session = started(member)
    assert session.reveal() == TOKEN
    values = Session.objects.values().get()
    assert all(TOKEN not in str(value) and TOKEN.encode() not in bytes(str(value), "utf8") for value in values.values())
    assert TOKEN.encode() not in bytes(values["sealed_token"])
    assert TOKEN not in repr(vars(Session.objects.get()))


def test_cr03_a_token_copied_to_another_session_does_not_open(member):
    session = started(member)
    stranger = started(MemberFactory.create(), "B" * 44)
    Session.objects.filter(pk=stranger.pk).update(sealed_token=session.sealed_token)
    with pytest.raises(Tampered):
        Session.objects.get(pk=stranger.pk).reveal()


def test_no_two_sessions_have_one_token(member):
    started(member)
    with pytest.raises(IntegrityError), transaction.atomic():
        started(MemberFactory.create())


# Intermediate sessions


@pytest.mark.parametrize(
    ("fields", "at", "live"),
    [
        ({}, NOW, True),
        ({}, NOW + 599, True),
        ({}, NOW + 600, False),
        ({"used_at": NOW}, NOW, False),
        ({"failures": 4}, NOW, True),
        ({"failures": 5}, NOW, False),
        ({"failures": 6}, NOW, False),
    ],
)
def test_se03_an_intermediate_session_lives_ten_minutes_and_five_failures(member, fields, at, live):
    assert owed(member, **fields).is_live(at) is live


def test_rl07_the_sixth_attempt_is_not_paid_for(member):
    session = owed(member)
    assert [IntermediateSession.objects.charge(session) for _ in range(7)] == [True] * 5 + [False] * 2
    assert IntermediateSession.objects.get().failures == 5


def test_rl07_the_number_of_failures_is_a_setting(member, configure):
    configure(INTERMEDIATE_SESSION_FAILURES=2)
    session = owed(member)
    assert [IntermediateSession.objects.charge(session) for _ in range(3)] == [True, True, False]


def test_a_refund_gives_one_attempt_back_and_never_more_than_were_paid(member):
    session = owed(member, failures=2)
    for left in (1, 0, 0):
        IntermediateSession.objects.refund(session)
        assert IntermediateSession.objects.get().failures == left


def test_se02_an_intermediate_session_is_turned_in_once(member):
    session = owed(member)
    again = IntermediateSession.objects.get()
    assert IntermediateSession.objects.consume(session, NOW) is True
    assert IntermediateSession.objects.consume(again, NOW + 1) is False
    assert IntermediateSession.objects.get().used_at == NOW
    assert not IntermediateSession.objects.get().is_live(NOW)


@pytest.mark.parametrize(
    ("fields", "taken"), [({"failures": 5}, True), ({"expires_at": NOW}, False), ({"used_at": 0}, False)]
)
def test_se03_the_last_paid_attempt_may_succeed_and_an_expired_one_may_not(member, fields, taken):
    assert IntermediateSession.objects.consume(owed(member, **fields), NOW) is taken


def test_turning_in_touches_one_intermediate_session(member):
    session = owed(member)
    other = IntermediateSession.objects.create(
        member=member, token_digest="other", created_at=NOW, expires_at=NOW + 600
    )
    IntermediateSession.objects.charge(session)
    IntermediateSession.objects.consume(session, NOW)
    other.refresh_from_db()
    assert (other.failures, other.used_at) == (0, None)


# Signing keys


def test_one_signing_key_is_current_and_any_number_are_not():
    for _ in range(3):
        SigningKey.objects.create(current=None, sealed_private=b"x", n="n", e="e", created_at=NOW)
    SigningKey.objects.create(current="current", sealed_private=b"x", n="n", e="e", created_at=NOW)
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(current="current", sealed_private=b"x", n="n", e="e", created_at=NOW)


def test_cr12_a_private_key_is_sealed_to_its_row():
    pem = jwt.private_pem(jwt.generate_key(2048))
    one, other = (SigningKey(n="n", e="AQAB", created_at=NOW) for _ in range(2))
    for key in (one, other):
        key.seal(pem)
        key.save(force_insert=True)
    kept = SigningKey.objects.get(pk=one.pk)
    assert kept.reveal() == pem
    assert b"PRIVATE" not in bytes(kept.sealed_private)
    SigningKey.objects.filter(pk=one.pk).update(sealed_private=other.sealed_private)
    with pytest.raises(Tampered):
        SigningKey.objects.get(pk=one.pk).reveal()
