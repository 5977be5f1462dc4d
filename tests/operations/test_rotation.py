"""Keys are rotated under everything that is sealed, and nothing is lost (CR-06, CR-07, CR-09)."""

from itertools import count
from unittest import mock

import pytest
from django.db import OperationalError, connection

from stytch_totp.conf import conf
from stytch_totp.core.sealing import Keyring
from stytch_totp.models import AuditChain, AuditEvent, Member, RecoveryCode, Session, SigningKey, TOTPRegistration
from stytch_totp.operations import batches, enrolment, members, recovery, rotation, verification
from stytch_totp.operations.audit import Actor, Tag, record
from tests.factories import ACTOR, code_of, enrol, make_member
from tests.operations.keys import NEW, OLD, begin_enrolment, everything, open_all, snapshot
from tests.operations.situations import begin, refusal, session_of
from tests.races.faults import failing

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_rotate_keys", "request-id-test-tests")


@pytest.fixture(autouse=True)
def _old_key(configure):
    configure(KEYRING=[OLD])


@pytest.fixture
def rotating(configure):
    """The new key seals, the old one opens."""

    def begin():
        configure(KEYRING=[NEW, OLD])

    return begin


def events(tag=Tag.KEYRING_ROTATED):
    return [event.details for event in AuditEvent.objects.filter(tag=tag).order_by("id")]


def test_cr06_everything_is_moved_and_the_old_key_can_go(rotating, configure):
    everything()
    made = begin_enrolment(make_member())
    rotating()
    found = rotation.rotate(COMMAND)
    assert found.is_complete
    assert found.moved == {
        "registrations": 2,
        "recovery_codes": 20,
        "sessions": 1,
        "signing_keys": 1,
        "audit_chains": AuditChain.objects.count() - 1,  # of the rotation's own record, which began under the new key
    }
    configure(KEYRING=[NEW])
    assert open_all() == 24
    assert all(chain.is_sealed for chain in AuditChain.objects.all())
    registration = TOTPRegistration.objects.select_related("member").get(pk=made.registration.pk)
    assert all(RecoveryCode.objects.find(registration, code) for code in made.recovery_codes)
    assert set(RecoveryCode.objects.values_list("digest_kid", flat=True)) == {"new"}
    assert rotation.survey().is_complete


def test_cr06_codes_and_recovery_codes_are_taken_before_between_and_after(rotating, configure, clock):
    member = make_member()
    secret, codes = enrol(member)

    def log_in():
        clock.at += 30
        for judge, code in ((verification.authenticate, code_of(secret)), (recovery.recover, codes.pop())):
            known = members.reload(member)
            judge(known, code=code, proof=begin(known), actor=ACTOR)

    configure(KEYRING=[OLD, NEW])
    log_in()
    rotating()
    log_in()
    rotation.rotate(COMMAND)
    log_in()
    configure(KEYRING=[OLD, NEW])  # a worker that hasn't been told yet which key seals
    log_in()
    rotating()
    rotation.rotate(COMMAND)
    configure(KEYRING=[NEW])
    log_in()


def test_cr06_a_second_run_changes_nothing_and_records_nothing(rotating):
    everything()
    rotating()
    rotation.rotate(COMMAND)
    before = snapshot()
    again = rotation.rotate(COMMAND)
    assert again.is_complete
    assert again.moved == {}
    assert snapshot() == before


def test_cr06_a_survey_changes_nothing_and_says_what_is_left(rotating):
    everything()
    rotating()
    before = snapshot()
    found = rotation.survey()
    assert snapshot() == before
    assert found.left == found.rows == 1 + 10 + 1 + 1 + AuditChain.objects.count()
    assert not found.is_complete


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_cr06_batches_of_any_size_reach_every_row(rotating, configure, batch):
    for _ in range(3):
        everything()
    told = []
    rotating()
    found = rotation.rotate(COMMAND, batch=batch, tell=lambda *so_far: told.append(so_far))
    assert found.is_complete
    assert found.moved["recovery_codes"] == 30
    assert ("recovery_codes", 30) in told
    configure(KEYRING=[NEW])
    assert open_all() == 3 * 12 + 1


def test_cr06_used_recovery_codes_are_left_as_they_are(rotating):
    member = make_member()
    _, codes = enrol(member)
    known = members.reload(member)
    recovery.recover(known, code=codes[0], proof=begin(known), actor=ACTOR)
    used = RecoveryCode.objects.exclude(used_at=None).values()
    before = list(used)
    rotating()
    assert rotation.rotate(COMMAND).moved["recovery_codes"] == 9
    assert list(used.all()) == before


def test_codes_of_which_only_the_digest_is_kept_wait_for_their_owners(rotating, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    member = make_member()
    _, codes = enrol(member)
    rotating()
    configure(RECOVERY_CODES_VIEWABLE=False)
    found = rotation.rotate(COMMAND)
    assert (found.left, found.stuck, found.named) == (0, {rotation.WAITING: 10}, [])
    assert not found.is_complete
    known = members.reload(member)
    recovery.recover(known, code=codes[0], proof=begin(known), actor=ACTOR)  # still good, under the old key
    enrolment.rotate_recovery_codes(members.reload(member), actor=ACTOR)
    assert rotation.survey().is_complete


def test_codes_from_before_their_key_was_noted_are_moved(rotating):
    everything()
    rotating()
    RecoveryCode.objects.update(digest_kid="")
    rotation.rotate(COMMAND)
    assert set(RecoveryCode.objects.values_list("digest_kid", flat=True)) == {"new"}


def test_a_digest_is_moved_even_if_the_code_was(rotating):
    """What an older version sealed anew without its digest."""
    everything()
    rotating()
    digests = dict(RecoveryCode.objects.values_list("pk", "digest"))
    rotation.rotate(COMMAND)
    for pk, digest in digests.items():
        RecoveryCode.objects.filter(pk=pk).update(digest=digest, digest_kid="old")
    assert rotation.survey().left == 10
    rotation.rotate(COMMAND)
    assert not set(RecoveryCode.objects.values_list("digest", flat=True)) & set(digests.values())


def test_cr07_what_an_absent_key_sealed_is_named_and_stays(configure):
    member = everything()
    before = snapshot()
    configure(KEYRING=[NEW])
    found = rotation.rotate(COMMAND)
    assert found.stuck == {rotation.UNKNOWN_KEY: 13 + AuditChain.objects.count()}
    registration = member.registrations.get()
    assert f"registrations {registration.pk}: unknown_key" in found.named
    assert snapshot() == before
    configure(KEYRING=[NEW, OLD])
    assert rotation.rotate(COMMAND).is_complete


def test_cr07_what_was_altered_is_named_and_stays(rotating):
    everything()
    registration = TOTPRegistration.objects.get()
    damaged = bytes(registration.sealed_secret[:-1]) + bytes([registration.sealed_secret[-1] ^ 1])
    TOTPRegistration.objects.update(sealed_secret=damaged)
    Session.objects.update(sealed_token=b"no sealed value")
    rotating()
    found = rotation.rotate(COMMAND)
    assert found.stuck == {rotation.TAMPERED: 2}
    assert f"registrations {registration.pk}: tampered" in found.named
    assert bytes(TOTPRegistration.objects.get().sealed_secret) == damaged
    assert found.moved["recovery_codes"] == 10


def test_cr07_damage_under_the_current_key_is_found_too():
    everything()
    SigningKey.objects.update(sealed_private=conf().keys.seal(b"", "another row's"))
    assert rotation.survey().stuck == {rotation.TAMPERED: 1}


def test_only_so_many_are_named(rotating, monkeypatch):
    monkeypatch.setattr(rotation, "MOST_NAMED", 2)
    everything()
    RecoveryCode.objects.update(sealed_code=b"damaged")
    rotating()
    found = rotation.rotate(COMMAND)
    assert found.stuck == {rotation.TAMPERED: 10}
    assert len(found.named) == 2


def test_aa07_a_wrong_seal_is_reported_and_never_repaired(rotating, configure):
    everything()
    chain = AuditChain.objects.exclude(pk=AuditChain.NOBODYS).first()
    AuditChain.objects.filter(pk=chain.pk).update(length=chain.length + 1)
    rotating()
    found = rotation.rotate(COMMAND)
    assert found.stuck == {rotation.UNSEALED: 1}
    assert found.named == [f"audit_chains {chain.pk}: unsealed"]
    assert not AuditChain.objects.get(pk=chain.pk).is_sealed


def test_a_chain_without_events_needs_no_seal(rotating):
    AuditChain.objects.create(pk=AuditChain.NOBODYS)
    rotating()
    assert rotation.survey().is_complete


def test_aa11_a_run_is_on_record_when_it_begins_and_when_it_is_done(rotating):
    everything()
    rotating()
    found = rotation.rotate(COMMAND)
    begun, done = events()
    assert begun == {"phase": "begun"}
    assert done == {"phase": "done", "kid": "new", "left": 0, "stuck": 0, **found.moved}
    event = AuditEvent.objects.filter(tag=Tag.KEYRING_ROTATED).first()
    assert (event.actor_kind, event.actor_id, event.request_id) == ("system", COMMAND.id, COMMAND.request_id)


@pytest.mark.django_db(transaction=True)
def test_cr06_a_run_that_is_cut_off_leaves_what_it_did_and_a_record(rotating, configure):
    """Run after run, each dying at a later statement: every value opens, and the next run goes on from there."""
    everything()
    rotating()
    to_move, moved = rotation.survey().left, set()
    for at in count(4, 4):
        with failing(at, "on"):
            try:
                rotation.rotate(COMMAND, batch=4)
            except OperationalError:
                pass
            else:
                break
        assert open_all() == 13
        moved.add(RecoveryCode.objects.filter(digest_kid="new").count())
        assert bool(events()) == (rotation.survey().left < to_move)
    assert moved <= {0, 4, 8, 10}  # whole batches
    assert len(moved) > 2
    configure(KEYRING=[NEW])
    assert open_all() == 13


@pytest.mark.django_db(transaction=True)
def test_dj05_a_deadlock_is_nothing_but_a_repetition(rotating):
    everything()
    rotating()
    deadlocks = []

    def deadlock(execute, sql, *rest):
        if sql.startswith("UPDATE") and "sealed_code" in sql and len(deadlocks) < 3:
            deadlocks.append(sql)
            raise OperationalError("deadlock detected")
        return execute(sql, *rest)

    with connection.execute_wrapper(deadlock):
        found = rotation.rotate(COMMAND)
    assert len(deadlocks) == 3
    assert found.is_complete
    assert events()[-1]["recovery_codes"] == 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("late", ["once", "late"])
def test_cr06_a_commit_whose_answer_was_lost_loses_nothing(rotating, configure, late):
    everything()
    rotating()
    for at in range(1, 40):
        configure(KEYRING=[NEW, OLD] if at % 2 else [OLD, NEW])
        with failing(at, late):
            try:
                rotation.rotate(COMMAND)
            except OperationalError:
                continue
        assert open_all() == 13


def test_cr06_a_value_that_changed_since_it_was_read_is_not_overwritten(rotating, monkeypatch):
    """Another request steps the session up between the reading and the writing."""
    member = everything()
    rotating()
    session, free = Session.objects.get(member=member), batches.free

    def overtaken(rows):
        if rows.model is Session:
            Session.objects.update(sealed_token=session.seal("a fresh token"))
        return free(rows)

    monkeypatch.setattr(rotation, "free", overtaken)
    found = rotation.rotate(COMMAND)
    assert Session.objects.get(member=member).reveal() == "a fresh token"
    assert found.moved["sessions"] == 0
    assert found.is_complete


def test_cr06_a_code_that_is_spent_meanwhile_stays_spent(rotating, monkeypatch):
    everything()
    rotating()
    code, free = RecoveryCode.objects.first(), batches.free

    def overtaken(rows):
        if rows.model is RecoveryCode:
            RecoveryCode.objects.spend(code, 1)
        return free(rows)

    monkeypatch.setattr(rotation, "free", overtaken)
    assert rotation.rotate(COMMAND).moved["recovery_codes"] == 9
    assert RecoveryCode.objects.get(pk=code.pk).sealed_code is None


def test_cr06_a_chain_that_grows_meanwhile_keeps_its_end(rotating, monkeypatch):
    member = everything()
    rotating()
    free = batches.free

    def overtaken(rows):
        if rows.model is AuditChain and not events(Tag.MEMBER_DELETED):
            record(Tag.MEMBER_DELETED, ACTOR, member=member)
        return free(rows)

    monkeypatch.setattr(rotation, "free", overtaken)
    assert rotation.rotate(COMMAND).is_complete
    chain = AuditChain.objects.get(pk=member.organization_id)
    assert chain.length == AuditEvent.objects.filter(organization_id=chain.pk).count()
    assert chain.is_sealed


def test_rows_that_others_hold_are_left_to_the_next_pass(rotating, monkeypatch):
    everything()
    rotating()
    free, held = batches.free, []

    def busy(rows):
        held.append(rows)
        return free(rows) if len(held) > 1 else []

    monkeypatch.setattr(rotation, "free", busy)
    found = rotation.rotate(COMMAND)
    assert found.is_complete
    assert found.moved["registrations"] == 1


def test_rows_that_are_never_free_are_left(rotating, monkeypatch):
    everything()
    rotating()
    monkeypatch.setattr(rotation, "free", lambda rows: [])
    found = rotation.rotate(COMMAND)
    assert found.left == found.rows
    assert not found.is_complete
    assert events() == []


def test_cr09_one_code_of_two_members_has_two_digests_under_each_key(rotating):
    codes = ["k3x9-w0q7-m2zt"]
    for member in (make_member(), make_member()):
        enrolment.migrate(member, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", recovery_codes=codes, actor=ACTOR)
    before = set(RecoveryCode.objects.values_list("digest", flat=True))
    rotating()
    rotation.rotate(COMMAND)
    after = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert len(before) == len(after) == 2
    assert not before & after


def test_i5_no_secret_is_in_the_record_or_in_what_is_returned(rotating):
    member = make_member()
    secret, codes = enrol(member)
    session_of(member, "password")
    rotating()
    with mock.patch.object(Keyring, "seal", autospec=True, side_effect=Keyring.seal) as sealed:
        found = rotation.rotate(COMMAND)
    assert sealed.called
    said = repr(found) + repr(list(AuditEvent.objects.values_list("details")))
    assert not any(word in said for word in (secret, *codes))


def test_a_page_is_read_when_it_is_asked_for():
    everything()
    found = batches.pages(RecoveryCode.objects.all(), 4)
    first = next(found)
    RecoveryCode.objects.exclude(pk__in=[row.pk for row in first]).delete()
    assert len(first) == 4
    assert list(found) == []


def test_nothing_to_do_is_done(rotating):
    rotating()
    assert refusal(lambda: rotation.rotate(COMMAND)) is None
    assert events() == []
    assert Member.objects.count() == 0
