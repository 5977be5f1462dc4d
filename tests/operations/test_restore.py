"""What a restored backup revives is ended (F16)."""

import pytest
from django.db import OperationalError

from stytch_totp import errors
from stytch_totp.core import totp
from stytch_totp.models import AuditEvent, IntermediateSession, Member, RecoveryCode, Session, SupportRequest
from stytch_totp.operations import enrolment, grants, members, recovery, restore, verification
from stytch_totp.operations.audit import Actor, Tag
from tests.factories import ACTOR, code_of, enrol, make_member
from tests.operations.keys import snapshot
from tests.operations.situations import BROWSER, begin, find, present, refusal, session_of
from tests.races.faults import failing

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_after_restore", "request-id-test-tests")


def events():
    return [event.details for event in AuditEvent.objects.filter(tag=Tag.BACKUP_RESTORED).order_by("id")]


def test_f16_sessions_that_were_live_in_the_backup_end(enrolled):
    token = session_of(enrolled[0], "password", "totp").reveal()
    restore.end_revived(COMMAND)
    assert refusal(lambda: find(session_token=token)) is errors.SessionNotFound


def test_f16_logins_under_way_in_the_backup_end(member):
    begun = begin(member)
    token = grants.begin(None, [{"type": "password"}], BROWSER, discovered=[member])
    shown = present(intermediate_session_token=token)
    restore.end_revived(COMMAND)
    assert not IntermediateSession.objects.get(pk=begun.pk).is_live(0)
    assert refusal(lambda: present(intermediate_session_token=token)) is errors.IntermediateSessionNotFound
    # Even one that was read before: what it was good for isn't so any more.
    assert shown.discovered[str(member.pk)] != members.reload(member).login_digest


def test_f16_a_recovery_code_that_was_spent_after_the_backup_is_dead(enrolled):
    member, _, codes = enrolled
    restore.end_revived(COMMAND)
    known = members.reload(member)
    work = lambda: recovery.recover(known, code=codes[0], proof=begin(known), actor=ACTOR)  # noqa: E731
    assert refusal(work) is errors.UnableToAuthenticateRecoveryCode
    fresh = enrolment.rotate_recovery_codes(members.reload(member), actor=ACTOR)
    known = members.reload(member)
    assert recovery.recover(known, code=fresh[0], proof=begin(known), actor=ACTOR).remaining == 9


def test_f16_a_totp_code_that_was_shown_after_the_backup_is_not_taken_again(enrolled, clock):
    member, secret, _ = enrolled
    restore.end_revived(COMMAND)

    def log_in(code):
        known = members.reload(member)
        return verification.authenticate(known, code=code, proof=begin(known), actor=ACTOR)

    for steps in (-1, 0):
        code = code_of(secret, steps=steps)
        assert refusal(lambda code=code: log_in(code)) is errors.TOTPCodeAlreadyAuthenticated
    clock.at += 30
    assert log_in(code_of(secret)).granted


def test_f16_no_step_is_set_back(enrolled, clock):
    member, _, _ = enrolled
    ahead = totp.step_at(clock()) + 1
    member.registrations.update(last_step=ahead)
    restore.end_revived(COMMAND)
    assert member.registrations.get().last_step == ahead


def test_f16_a_request_of_support_that_was_decided_after_the_backup_is_over(member, clock):
    common = {"member": member, "act": "unlock", "reason": "they asked me to", "asked_at": clock()}
    waiting = SupportRequest.objects.create(expires_at=clock() + 3600, **common)
    done = SupportRequest.objects.create(expires_at=clock() + 3600, state="approved", **common)
    restore.end_revived(COMMAND)
    waiting.refresh_from_db()
    done.refresh_from_db()
    assert (waiting.expires_at, done.expires_at) == (clock(), clock() + 3600)


def everything(count=5):
    for _ in range(count):
        member = make_member()
        enrol(member)
        session_of(member, "password")
        begin(member)


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_f16_batches_of_any_size_reach_every_row(batch):
    everything()
    told = []
    done = restore.end_revived(COMMAND, batch=batch, tell=lambda *so_far: told.append(so_far))
    assert done == {"members": 5, "intermediate_sessions": 5, "sessions": 5, "recovery_codes": 50, "registrations": 5}
    assert ("recovery_codes", 50) in told


def test_f16_a_survey_counts_the_same_and_changes_nothing():
    everything()
    before = snapshot()
    found = restore.survey(batch=2)
    assert snapshot() == before
    assert +found == +restore.end_revived(COMMAND)


def test_f16_who_has_mfa_has_it_afterwards(enrolled, clock):
    member, secret, _ = enrolled
    restore.end_revived(COMMAND)
    clock.at += 60
    known = members.reload(member)
    assert verification.authenticate(known, code=code_of(secret), proof=begin(known), actor=ACTOR).granted


@pytest.mark.django_db(transaction=True)
def test_f16_a_run_that_is_cut_off_goes_on_where_it_was():
    everything()
    for at in range(5, 200, 5):
        with failing(at, "on"):
            try:
                restore.end_revived(COMMAND, batch=2)
            except OperationalError:
                pass
            else:
                break
        assert bool(events()) == Member.objects.filter(generation__gt=0).exists()
    assert not RecoveryCode.objects.exists()
    assert not Session.objects.filter(revoked_at=None).exists()
    assert not Member.objects.filter(generation=0).exists()
    assert events()[-1]["phase"] == "done"


def test_aa11_it_is_on_record_with_its_counts(enrolled):
    restore.end_revived(COMMAND)
    begun, done = events()
    assert begun == {"phase": "begun"}
    assert done == {"phase": "done", "members": 1, "recovery_codes": 10, "registrations": 1}
    event = AuditEvent.objects.filter(tag=Tag.BACKUP_RESTORED).first()
    assert (event.actor_kind, event.actor_id) == ("system", "stytch_totp_after_restore")
