"""Commands that operate a site: what they print, how they exit, and that dry runs are dry."""

import csv
import json
import re
from pathlib import Path
from unittest import mock
from uuid import uuid4

import pytest
from django.core.management import get_commands, load_command_class
from django.db import connection

from stytch_totp.core.sealing import generate_key
from stytch_totp.models import AuditChain, AuditEvent, Member, RecoveryCode, Session, SigningKey
from stytch_totp.operations import signing, trail, triggers
from stytch_totp.operations.audit import SYSTEM
from tests.factories import OrganizationFactory, enrol, make_member
from tests.operations.chains import happen, remove, triggers_stand
from tests.operations.keys import snapshot
from tests.operations.situations import session_of

pytestmark = pytest.mark.django_db
DAY = 24 * 60 * 60
NAMES = ("after_restore", "guard_audit", "purge", "report", "rotate_keys", "rotate_signing_key", "verify_audit")


@pytest.mark.parametrize("name", NAMES)
def test_each_command_says_what_it_does(name):
    parser = load_command_class("stytch_totp", f"stytch_totp_{name}").create_parser("manage.py", f"stytch_totp_{name}")
    assert parser.description
    ours = [action for action in parser._actions if action.dest in parser._defaults or action.help]
    assert all(action.help for action in ours)


# stytch_totp_rotate_signing_key


def test_se12_a_new_key_signs(run):
    former = signing.key_set()[0]
    ran = run("stytch_totp_rotate_signing_key")
    made = SigningKey.objects.get(current="current")
    assert made != former
    assert ran.lines == [f"jwk-test-{made.pk} signs from now on."]
    assert AuditEvent.objects.get().actor_id == "stytch_totp_rotate_signing_key"


def test_a_rotation_that_another_one_overtook_says_so(run):
    with mock.patch.object(signing, "rotate", return_value=None):
        assert run("stytch_totp_rotate_signing_key").lines == ["Another rotation was quicker."]


def test_a_dry_rotation_lists_the_keys(run):
    signing.key_set()
    made = signing.rotate(SYSTEM)
    before = snapshot()
    ran = run("stytch_totp_rotate_signing_key", "--dry-run")
    assert snapshot() == before
    assert ran.lines[0] == f"jwk-test-{made.pk} signs"
    assert ran.lines[1].endswith(" is retired")


# stytch_totp_purge


def test_aa12_a_purge_says_what_went(member, clock, run):
    session_of(member, "password")
    clock.at += 31 * DAY
    before = snapshot()
    dry = run("stytch_totp_purge", "--dry-run")
    assert (dry.code, snapshot()) == (0, before)
    assert "sessions: 1 to delete" in dry.lines
    ran = run("stytch_totp_purge", "--batch", "1")
    assert ran.code == 0
    assert "sessions: 1 deleted" in ran.lines
    assert not Session.objects.exists()


def test_aa07_a_purge_that_finds_tampering_fails(member, clock, configure, run):
    configure(AUDIT_RETENTION_DAYS=10)
    happen(member, 3)
    remove(AuditEvent.objects.filter(sequence=1))
    clock.at += 11 * DAY
    ran = run("stytch_totp_purge")
    assert ran.code == 1
    assert "missing: events 1 to 1" in ran.failure


def test_a_purge_that_may_not_lift_triggers_says_so(run):
    with mock.patch("stytch_totp.operations.purge.purge", side_effect=triggers.NotAllowed("must be owner")):
        ran = run("stytch_totp_purge")
    assert ran.code == 1
    assert "must be owner" in ran.failure


# stytch_totp_verify_audit


def test_aa07_a_trail_in_order_is_told_by_its_ends(member, run):
    happen(member, 3)
    ran = run("stytch_totp_verify_audit")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines[0].startswith(f"organization-test-{member.organization_id}:3:")
    assert ran.lines[1] == "3 events in 1 chains"
    assert run("stytch_totp_verify_audit", "--expect", ran.lines[0]).code == 0


def test_aa07_each_fault_is_a_line_of_stderr(member, run):
    happen(member, 5)
    anchor = run("stytch_totp_verify_audit").lines[0]
    remove(AuditEvent.objects.filter(organization_id=member.organization_id, sequence__in=[2, 5]))
    ran = run("stytch_totp_verify_audit", "--expect", anchor)
    assert ran.code == 1
    assert ran.failure == "3 faults in the audit trail."
    organization = f"organization-test-{member.organization_id}"
    assert ran.err.splitlines() == [
        f"{organization}: missing: events 2 to 2",
        f"{organization}: truncated: events 5 to 5 are gone from its end",
        f"{organization}: unproven: event 5 isn't the one that the chain ended with",
    ]


def test_a_trail_as_json(member, run):
    happen(member, 2)
    remove(AuditEvent.objects.filter(sequence=1))
    ran = run("stytch_totp_verify_audit", "--json", "--organization", member.organization.slug)
    organization = f"organization-test-{member.organization_id}"
    assert json.loads(ran.out) == {
        "events": 1,
        "chains": [{"organization": organization, "length": 2, "head": mock.ANY}],
        "faults": [{"kind": "missing", "organization": organization, "said": "events 1 to 1"}],
    }


@pytest.mark.parametrize(
    "options",
    [
        ["--organization", "nobody"],
        ["--organization", str(uuid4())],
        ["--expect", "nobody:1:x"],
        ["--expect", "nonsense"],
        ["--expect", "nobody:x:y:z"],
    ],
)
def test_what_is_asked_wrongly_is_told_apart_from_a_fault(run, options):
    assert run("stytch_totp_verify_audit", *options).code == 2


@pytest.mark.parametrize(
    "command", [["report"], ["unlock", "ada@example.com", "--reason", "Ticket 4711"], ["rotate_signing_key"]]
)
def test_with_another_keyring_a_command_goes_no_further(member, run, configure, command):
    Member.objects.filter(pk=member.pk).update(email="ada@example.com", email_key="ada@example.com")
    happen(member)
    happen(None)
    before = list(AuditChain.objects.order_by("pk").values_list())
    configure(KEYRING=[generate_key("other")])
    ran = run(f"stytch_totp_{command[0]}", *command[1:])
    assert (ran.code, "KEYRING" in ran.failure) == (2, True)
    assert list(AuditChain.objects.order_by("pk").values_list()) == before


# stytch_totp_guard_audit


@pytest.mark.django_db(transaction=True)
def test_aa07_triggers_come_and_go(run):
    command = "stytch_totp_guard_audit"
    try:
        assert run(command, "--check").code == 1
        assert run(command, "--dry-run").code == 0
        assert triggers_stand() == 0
        assert run(command).lines == ["Triggers installed."]
        assert run(command).lines == ["Nothing to do: they were installed before."]
        checked = run(command, "--check")
        assert checked.code == 0
        assert all(line.endswith(": stands") for line in checked.lines)
    finally:
        assert run(command, "--remove").lines == ["Triggers removed."]
    assert run(command, "--remove").lines == ["Nothing to do: they were removed before."]
    assert triggers_stand() == 0


def test_a_database_without_such_triggers_is_told_so(run):
    with mock.patch.object(connection, "vendor", "oracle"):
        ran = run("stytch_totp_guard_audit")
    assert ran.code == 1
    assert "of the kind oracle" in ran.failure


def test_a_role_that_may_make_no_triggers_is_told_so(run):
    with mock.patch.object(triggers, "install", side_effect=triggers.NotAllowed("denied")):
        assert "denied" in run("stytch_totp_guard_audit").failure


# stytch_totp_report


@pytest.fixture
def two():
    for slug, people in (("alpha", 2), ("-1+2", 0)):
        made = OrganizationFactory.create(slug=slug)
        for _ in range(people):
            enrol(make_member(organization=made))


def test_a_report_is_a_table(two, run):
    ran = run("stytch_totp_report")
    heads, *rows = ran.lines
    assert heads.split() == [
        "organization_id", "slug", "policy", "members", "enrolled", "pending", "without", "locked", "without_codes"
    ]  # fmt: skip
    assert [row.split()[1:] for row in rows] == [
        ["-1+2", "OPTIONAL", "0", "0", "0", "0", "0", "0"],
        ["alpha", "OPTIONAL", "2", "2", "0", "0", "0", "0"],
    ]
    assert len({line.index(word) for line, word in zip(rows, ("OPTIONAL", "OPTIONAL"), strict=True)}) == 1


def test_a_report_as_csv_holds_no_formula(two, run):
    heads, first, second = csv.reader(run("stytch_totp_report", "--csv").lines)
    assert heads[:3] == ["organization_id", "slug", "policy"]
    assert (first[1], second[1]) == ("'-1+2", "alpha")
    assert second[3:] == ["2", "2", "0", "0", "0", "0"]


def test_a_report_of_one_organization(two, run):
    assert len(run("stytch_totp_report", "--organization", "alpha").lines) == 2
    assert run("stytch_totp_report", "--organization", "nobody").code == 1


# stytch_totp_after_restore


def test_f16_it_asks_first(enrolled, run, monkeypatch):
    before = snapshot()
    for answer in ("no", "y", ""):
        monkeypatch.setattr("builtins.input", lambda answer=answer: answer)
        assert run("stytch_totp_after_restore").code == 1
    monkeypatch.setattr("builtins.input", mock.Mock(side_effect=EOFError))
    assert run("stytch_totp_after_restore").failure == "Nothing was changed."
    assert snapshot() == before
    monkeypatch.setattr("builtins.input", lambda: "yes")
    assert run("stytch_totp_after_restore").code == 0
    assert not RecoveryCode.objects.exists()


def test_f16_a_dry_run_changes_nothing(enrolled, run):
    before = snapshot()
    ran = run("stytch_totp_after_restore", "--dry-run")
    assert (ran.code, snapshot()) == (0, before)
    assert "recovery codes: 10 to end" in ran.lines


def test_f16_by_yes_it_doesnt_ask(enrolled, run):
    assert "recovery codes: 10 ended" in run("stytch_totp_after_restore", "--yes").lines
    assert trail.verify(SYSTEM).faults == []


def test_the_page_of_commands_names_commands_that_there_are():
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    named = set(re.findall(r"`(stytch_totp_\w+)", page))
    assert {f"stytch_totp_{name}" for name in NAMES} <= named
    assert named <= get_commands().keys()
