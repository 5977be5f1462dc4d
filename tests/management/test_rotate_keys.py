import pytest

from stytch_totp.models import AuditEvent, RecoveryCode, TOTPRegistration
from stytch_totp.operations.audit import Tag
from tests.operations.keys import NEW, OLD, everything, snapshot

pytestmark = pytest.mark.django_db
COMMAND = "stytch_totp_rotate_keys"


@pytest.fixture
def rotating(configure):
    configure(KEYRING=[OLD])
    everything()
    configure(KEYRING=[NEW, OLD])


def test_cr06_it_moves_everything_and_says_so(rotating, run):
    ran = run(COMMAND)
    assert ran.code == 0
    assert "recovery codes: 10 moved" in ran.lines
    assert ran.lines[-1] == "15 rows looked at, 0 to be moved to key new"
    assert ran.err == ""


def test_cr06_a_check_exits_0_or_1_and_changes_nothing(rotating, run):
    before = snapshot()
    ran = run(COMMAND, "--check")
    assert (ran.code, snapshot()) == (1, before)
    assert "14 rows are left under another key" in ran.failure
    run(COMMAND)
    before = snapshot()
    assert (run(COMMAND, "--check").code, snapshot()) == (0, before)


def test_a_check_is_no_dry_run_which_exits_0_whatever_is_left(rotating, run):
    assert run(COMMAND, "--check", "--dry-run").code == 1


def test_a_dry_run_changes_nothing(rotating, run):
    before = snapshot()
    ran = run(COMMAND, "--dry-run")
    assert (ran.code, snapshot()) == (0, before)
    assert ran.lines == ["14 rows looked at, 14 to be moved to key new"]


@pytest.mark.parametrize("options", [[], ["--check"], ["--dry-run"]])
def test_cr07_what_doesnt_open_is_named_on_stderr(rotating, run, options):
    TOTPRegistration.objects.update(sealed_secret=b"damaged")
    ran = run(COMMAND, *options)
    assert ran.code == 1
    assert ran.err == f"registrations {TOTPRegistration.objects.get().pk}: tampered\n"
    assert "1 altered or copied from elsewhere" in ran.failure


def test_codes_that_wait_for_their_owners_are_counted(rotating, run):
    RecoveryCode.objects.update(sealed_code=None)
    ran = run(COMMAND)
    assert ran.code == 1
    assert "10 recovery codes that can't be moved until their owners make new ones" in ran.failure
    assert "Keep every key" in ran.failure


def test_a_terminal_sees_how_far_it_is(rotating, run, terminal):
    ran = run(COMMAND, "--batch", "4", stderr=terminal)
    assert "\rrecovery codes: 4" in ran.err
    assert ran.err.endswith("\n")


@pytest.mark.parametrize("batch", ["0", "-1", "10001", "many"])
def test_a_batch_has_a_size(run, batch):
    ran = run(COMMAND, "--batch", batch)
    assert ran.code == 1
    assert "--batch" in ran.failure


def test_aa11_it_is_on_record_as_the_command(rotating, run):
    run(COMMAND)
    run(COMMAND)
    events = AuditEvent.objects.filter(tag=Tag.KEYRING_ROTATED)
    assert {(event.actor_kind, event.actor_id) for event in events} == {("system", COMMAND)}
    assert len({event.request_id for event in events}) == 1
    assert events[0].request_id.startswith("request-id-test-")
