import pytest
from django.core.management import call_command
from django.db import connection

from stytch_totp.models import IntermediateSession, Member, Session
from stytch_totp.operations import grants
from tests.factories import make_member
from tests.operations.situations import BROWSER, begin, misnoted, session_of, user


def test_models_and_migrations_say_the_same(db):
    call_command("makemigrations", "stytch_totp", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_dj12_migrations_go_back_and_forth():
    def tables():
        return {name for name in connection.introspection.table_names() if name.startswith("stytch_totp_")}

    there = tables()
    call_command("migrate", "stytch_totp", "zero", verbosity=0)
    assert tables() == set()
    call_command("migrate", "stytch_totp", verbosity=0)
    assert tables() == there
    assert len(there) == 13


@pytest.mark.django_db(transaction=True)
def test_dj12_the_support_desk_finds_who_had_a_totp_before_it(enrolled):
    make_member()
    call_command("migrate", "stytch_totp", "0003", verbosity=0)
    call_command("migrate", "stytch_totp", verbosity=0)
    assert [one.pk for one in Member.objects.filter(has_active_totp=True)] == [enrolled[0].pk]
    assert misnoted() == []


@pytest.mark.django_db(transaction=True)
def test_dj12_users_and_pages_go_back_and_forth_with_rows_in_them(enrolled):
    member, _, _ = enrolled
    made = user()
    for one in (member, made):
        session_of(one, "password", "totp")
    grants.begin(None, [], BROWSER, discovered=[member])
    begin(member)
    call_command("migrate", "stytch_totp", "0001", verbosity=0)
    call_command("migrate", "stytch_totp", verbosity=0)
    assert {one.pk for one in Member.objects.all()} == {member.pk, made.pk}
    assert [len(one.factors) for one in Session.objects.all()] == [2, 2]
    assert IntermediateSession.objects.get().member == member
