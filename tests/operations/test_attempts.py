import pytest
from django.db import OperationalError, connection, transaction

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Guard, IntermediateSession
from stytch_totp.operations import attempts
from stytch_totp.operations.audit import Tag
from stytch_totp.signals import audit_event_recorded
from tests.factories import ACTOR
from tests.operations.situations import begin, budget

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_charge_is_committed_before_it_returns(member):
    attempts.charge(member, Guard.Kind.TOTP, None, ACTOR)
    assert not connection.in_atomic_block
    assert budget(member, "totp") == (1, 0)


def test_a_charge_that_the_intermediate_session_refuses_is_not_paid(member):
    proof = begin(member)
    IntermediateSession.objects.update(failures=5)
    with pytest.raises(errors.IntermediateSessionNotFound):
        attempts.charge(member, Guard.Kind.TOTP, proof, ACTOR)
    assert budget(member, "totp") == (0, 0)


def test_dj03_a_charge_inside_a_transaction_is_refused_aloud(member):
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        attempts.charge(member, Guard.Kind.TOTP, None, ACTOR)
    assert budget(member, "totp") == (0, 0)


def test_being_locked_out_is_on_record(member, configure):
    configure(LOCK_THRESHOLD=1)
    attempts.charge(member, Guard.Kind.TOTP, None, ACTOR)
    with pytest.raises(errors.Locked) as refused:
        attempts.charge(member, Guard.Kind.TOTP, None, ACTOR)
    assert refused.value.retry_after == 3600
    events = AuditEvent.objects.order_by("pk").values_list("tag", "outcome", "member_id")
    assert list(events) == [
        ("member:guard:locked", "failure", member.pk),
        ("member:guard:locked_out", "failure", member.pk),
    ]


@pytest.mark.parametrize("failures", [1, attempts.REPEATS, attempts.REPEATS + 1])
def test_dj05_a_success_is_settled_again_if_the_database_asks_for_it_and_not_for_ever(member, failures):
    runs = []

    def work():
        runs.append(1)
        Guard.objects.filter(member=member, kind="totp").update(failures=len(runs))
        if len(runs) <= failures:
            raise OperationalError("deadlock")
        return "done"

    if failures <= attempts.REPEATS:
        assert attempts.settle(work) == "done"
        assert budget(member, "totp") == (failures + 1, 0)
    else:
        with pytest.raises(OperationalError):
            attempts.settle(work)
        assert budget(member, "totp") == (0, 0)
    assert len(runs) == min(failures, attempts.REPEATS) + 1


def test_a_refund_gives_back_what_was_charged(member):
    proof = begin(member)
    attempts.charge(member, Guard.Kind.TOTP, proof, ACTOR)
    attempts.refund(member, Guard.Kind.TOTP, proof, Tag.TOTP_REPLAYED, ACTOR)
    assert budget(member, "totp") == (0, 0)
    assert IntermediateSession.objects.get().failures == 0


def test_receivers_hear_of_an_event_after_its_commit_and_cannot_break_it(member):
    heard = []

    def receive(sender, event, **_):
        heard.append((event.tag, connection.in_atomic_block))
        raise RuntimeError("a receiver's own fault")

    audit_event_recorded.connect(receive)
    try:
        attempts.refuse(member, Guard.Kind.TOTP, Tag.TOTP_REFUSED, ACTOR)
    finally:
        audit_event_recorded.disconnect(receive)
    assert heard == [("member:totp:refused", False)]
    assert AuditEvent.objects.count() == 1
