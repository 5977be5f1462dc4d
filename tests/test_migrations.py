import pytest
from django.core.management import call_command
from django.db import connection


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
    assert len(there) == 9
