from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from stytch_totp.core.sealing import parse_keyring


def generate(*arguments):
    out = StringIO()
    call_command("stytch_totp_generate_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_key_is_one_that_the_keyring_takes_and_each_is_another():
    entries = [generate("2026-11"), generate("2026-12")]
    assert [key.kid for key in parse_keyring(entries).keys] == ["2026-11", "2026-12"]


def test_a_key_has_a_name():
    with pytest.raises(CommandError):
        generate()


@pytest.mark.parametrize("name", ["", "a:b", "a,b", "a b", "x" * 65])
def test_a_name_is_one_that_the_keyring_takes(name):
    with pytest.raises(CommandError):
        generate(name)
