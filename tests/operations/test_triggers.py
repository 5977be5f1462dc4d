"""The database itself keeps the audit trail, on each that is supported (AA-07)."""

from unittest import mock

import pytest
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, ProgrammingError, connection, transaction

from stytch_totp.models import AuditEvent, Member
from stytch_totp.operations import expiry, purge, trail, triggers
from stytch_totp.operations.audit import Actor, Tag
from tests.factories import make_member
from tests.operations.chains import change, happen, remove, triggers_stand

pytestmark = pytest.mark.django_db(transaction=True)

COMMAND = Actor("system", "stytch_totp_guard_audit", "request-id-test-tests")
ALL = 3 if connection.vendor == "postgresql" else 2


@pytest.fixture
def guarded():
    """Triggers stand, until the test database is to be emptied."""
    triggers.install(COMMAND)
    yield
    triggers.remove(COMMAND)


def refused(work):
    try:
        with transaction.atomic():
            work()
    except DatabaseError as refusal:
        return "audit events are neither changed nor deleted" in str(refusal)
    return False


def statement(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("many", [False, True], ids=["one", "all"])
def test_aa07_the_database_refuses_to_change_or_delete_events(guarded, many):
    happen(make_member(), 3)
    rows = AuditEvent.objects.all() if many else AuditEvent.objects.filter(sequence=2)
    before = list(AuditEvent.objects.order_by("id").values())
    assert refused(lambda: remove(rows))
    assert refused(lambda: change(rows, outcome="failure"))
    assert refused(lambda: statement("DELETE FROM stytch_totp_auditevent"))
    assert list(AuditEvent.objects.order_by("id").values()) == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others have no such trigger")
def test_aa07_postgresql_refuses_to_empty_the_table(guarded):
    happen(make_member(), 3)
    assert refused(lambda: statement("TRUNCATE stytch_totp_auditevent"))
    assert AuditEvent.objects.count() > 3


def test_events_are_written_as_before(guarded):
    member = make_member()
    happen(member, 3)
    assert trail.events_of(member.organization_id).count() == 3
    assert trail.verify(COMMAND).faults == []


def test_other_rows_are_changed_as_before(guarded):
    member = make_member()
    member.organization.delete()
    assert not Member.objects.exists()


def test_they_are_installed_once_and_removed_once():
    assert triggers_stand() == 0
    assert triggers.install(COMMAND)
    assert (triggers_stand(), triggers.installed()) == (ALL, triggers.expected())
    assert not triggers.install(COMMAND)
    assert triggers.remove(COMMAND)
    assert (triggers_stand(), triggers.installed()) == (0, frozenset())
    assert not triggers.remove(COMMAND)


def test_what_is_missing_of_them_is_made_good(guarded):
    on = " ON stytch_totp_auditevent" if connection.vendor == "postgresql" else ""
    statement(f"DROP TRIGGER stytch_totp_auditevent_no_update{on}")
    assert triggers.installed() < triggers.expected()
    assert triggers.install(COMMAND)
    assert triggers_stand() == ALL


@pytest.mark.skipif(connection.vendor != "postgresql", reason="others switch no trigger off")
def test_one_that_is_switched_off_doesnt_stand(guarded):
    statement("ALTER TABLE stytch_totp_auditevent DISABLE TRIGGER stytch_totp_auditevent_no_delete")
    assert "stytch_totp_auditevent_no_delete" not in triggers.installed()
    assert triggers.install(COMMAND)
    assert triggers_stand() == ALL


def test_aa11_it_is_on_record():
    triggers.install(COMMAND)
    triggers.remove(COMMAND)
    events = AuditEvent.objects.filter(tag__in=[Tag.AUDIT_GUARDED, Tag.AUDIT_UNGUARDED]).order_by("id")
    assert [event.tag for event in events] == [Tag.AUDIT_GUARDED, Tag.AUDIT_UNGUARDED]
    assert {event.actor_id for event in events} == {"stytch_totp_guard_audit"}


# The purge


@pytest.fixture
def old(clock, configure):
    """A member in whose organization five events are past their retention."""
    configure(AUDIT_RETENTION_DAYS=10)
    member = make_member()
    happen(member, 5)
    clock.at += 11 * purge.DAY
    return member


def test_aa12_a_purge_deletes_and_leaves_them_standing(guarded, old):
    done = purge.purge(COMMAND, batch=2)
    assert done.rows["audit_events"] >= 5
    assert triggers_stand() == ALL
    assert refused(lambda: remove(AuditEvent.objects.all()))
    assert trail.verify(COMMAND).faults == []


def test_aa12_a_purge_deletes_events_outside_of_chains_too(guarded, clock, configure):
    configure(AUDIT_CHAIN=False, AUDIT_RETENTION_DAYS=10)
    happen(make_member(), 5)
    clock.at += 11 * purge.DAY
    purge.purge(COMMAND, batch=2)
    assert not AuditEvent.objects.filter(tag=Tag.MEMBER_UPDATED).exists()
    assert triggers_stand() == ALL


def test_where_there_are_none_a_purge_makes_none(old):
    assert purge.purge(COMMAND).rows["audit_events"] == 5
    assert triggers_stand() == 0


@pytest.mark.parametrize("at", [0, 1])
def test_a_purge_that_fails_leaves_them_standing(guarded, old, monkeypatch, at):
    """Before the deletion and after it."""
    expire, tries = type(AuditEvent.objects.all()).expire, []

    def failing(rows):
        tries.append(expire(rows) if at else 0)
        raise OperationalError("the database is gone")

    monkeypatch.setattr(type(AuditEvent.objects.all()), "expire", failing)
    with pytest.raises(OperationalError, match="gone"):
        purge.purge(COMMAND)
    assert len(tries) == 4
    assert triggers_stand() == ALL
    assert trail.events_of(old.organization_id).count() == 5


@pytest.mark.skipif(connection.vendor != "mysql", reason="elsewhere what is half done is taken back")
def test_a_purge_that_was_killed_while_a_trigger_was_lifted_is_made_good_by_the_next(guarded, old):
    statement("DROP TRIGGER stytch_totp_auditevent_no_delete")
    purge.purge(COMMAND)
    assert triggers_stand() == ALL


@pytest.mark.skipif(connection.vendor == "mysql", reason="there one kind of trigger missing means a killed purge")
def test_a_purge_makes_no_trigger_that_wasnt_there(guarded, old):
    on = " ON stytch_totp_auditevent" if connection.vendor == "postgresql" else ""
    statement(f"DROP TRIGGER stytch_totp_auditevent_no_delete{on}")
    assert purge.purge(COMMAND).rows["audit_events"] >= 5
    assert triggers_stand() == ALL - 1


def test_a_deadlock_while_they_are_lifted_is_nothing_but_a_repetition(guarded, old, monkeypatch):
    expire, tries = type(AuditEvent.objects.all()).expire, []

    def failing(rows):
        tries.append(rows)
        if len(tries) == 1:
            raise OperationalError("deadlock detected")
        return expire(rows)

    monkeypatch.setattr(type(AuditEvent.objects.all()), "expire", failing)
    assert purge.purge(COMMAND).rows["audit_events"] >= 5
    assert triggers_stand() == ALL


# What isn't to be had


def refusing(error):
    """The database's answer to whoever may not touch triggers."""

    def answer(execute, sql, *rest):
        if "TRIGGER" in sql and not sql.startswith("SELECT"):
            raise error
        return execute(sql, *rest)

    return connection.execute_wrapper(answer)


DENIALS = [ProgrammingError("must be owner of table"), OperationalError(1142, "TRIGGER command denied to user")]


@pytest.mark.parametrize("error", DENIALS, ids=["postgresql", "mariadb"])
def test_a_role_that_may_not_is_told_so(error):
    with refusing(error), pytest.raises(triggers.NotAllowed, match=r"owner of table|command denied"):
        triggers.install(COMMAND)
    assert triggers_stand() == 0
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("error", DENIALS, ids=["postgresql", "mariadb"])
def test_a_purge_by_a_role_that_may_not_deletes_no_event_and_says_so(guarded, old, error):
    with refusing(error), pytest.raises(triggers.NotAllowed):
        purge.purge(COMMAND)
    assert triggers_stand() == ALL
    assert trail.events_of(old.organization_id).count() == 5


def test_a_purge_by_a_role_that_sees_no_trigger_is_told_so_too(guarded, old):
    with mock.patch.object(triggers, "installed", return_value=frozenset()), pytest.raises(triggers.NotAllowed):
        purge.purge(COMMAND)
    assert trail.events_of(old.organization_id).count() == 5


def test_a_database_that_is_gone_is_no_denial():
    with refusing(OperationalError(2006, "server has gone away")), pytest.raises(OperationalError, match="gone away"):
        triggers.install(COMMAND)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a role of its own")
def test_a_real_role_that_doesnt_own_the_table_is_told_so(guarded, old):
    statement("CREATE ROLE stytch_totp_clerk")
    try:
        statement("GRANT ALL ON ALL TABLES IN SCHEMA public TO stytch_totp_clerk")
        statement("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO stytch_totp_clerk")
        statement("SET ROLE stytch_totp_clerk")
        for work in (lambda: purge.purge(COMMAND), lambda: triggers.remove(COMMAND)):
            with pytest.raises(triggers.NotAllowed, match="must be owner"):
                work()
    finally:
        statement("RESET ROLE")
        statement("DROP OWNED BY stytch_totp_clerk")
        statement("DROP ROLE stytch_totp_clerk")
    assert triggers_stand() == ALL


def test_a_database_of_another_kind_has_none(old):
    with mock.patch.object(connection, "vendor", "oracle"):
        with pytest.raises(triggers.NoTriggers, match="oracle"):
            triggers.install(COMMAND)
        with triggers.lifted(inside=connection.features.can_rollback_ddl):
            pass
    assert triggers_stand() == 0


# What is said to each kind of database, whichever one the tests run on


@pytest.fixture
def asked(monkeypatch):
    """What would be said, instead of saying it: ``asked("mysql")`` from then on."""
    statements = []

    def begin(vendor):
        monkeypatch.setattr(connection, "vendor", vendor)
        monkeypatch.setattr(connection.features, "can_rollback_ddl", vendor != "mysql")
        monkeypatch.setattr(triggers, "_ask", statements.extend)
        monkeypatch.setattr(triggers, "installed", triggers.expected)
        return statements

    return begin


@pytest.mark.parametrize(
    ("vendor", "words"),
    [
        ("postgresql", (3, "DISABLE TRIGGER", "ENABLE TRIGGER")),
        ("mysql", (2, "DROP TRIGGER", "CREATE TRIGGER")),
        ("sqlite", (2, "DROP TRIGGER", "CREATE TRIGGER")),
    ],
)
def test_each_database_is_spoken_to_in_its_own_words(asked, monkeypatch, vendor, words):
    made, lifting, restoring = words
    statements = asked(vendor)
    with monkeypatch.context() as none:
        none.setattr(triggers, "installed", frozenset)
        triggers.install(COMMAND)
    assert sum(one.startswith("CREATE TRIGGER") for one in statements) == made
    assert any("RAISE EXCEPTION" in one for one in statements) == (vendor == "postgresql")
    del statements[:]
    inside = vendor != "mysql"
    with triggers.lifted(inside=not inside):
        assert statements == []
        with triggers.lifted(inside=inside):
            assert len(statements) == 1
            assert lifting in statements[0]
    assert restoring in statements[-1]
    assert all("no_delete" in one for one in statements)


def test_where_it_cant_be_taken_back_what_was_lifted_is_restored_after_a_failure(asked):
    statements = asked("mysql")
    with pytest.raises(OperationalError, match="gone"), triggers.lifted(inside=False):
        raise OperationalError("the database is gone")
    assert statements[-1].startswith("CREATE TRIGGER")


def test_migrations_go_back_and_forth_while_they_stand(guarded):
    happen(make_member(), 3)
    call_command("migrate", "stytch_totp", "0003", verbosity=0)
    call_command("migrate", "stytch_totp", verbosity=0)
    assert AuditEvent.objects.count() > 3
    triggers.install(COMMAND)  # as docs/commands.md says: SQLite's go with a table that is made anew
    assert triggers_stand() == ALL


def test_lifting_is_for_expiry_alone():
    """Whoever else lifts them needs to be thought about."""
    assert expiry.lifted is triggers.lifted
