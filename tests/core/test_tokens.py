import hashlib
import re

import pytest

from stytch_totp.core import tokens


def test_se01_a_token_is_264_random_bits_as_44_characters():
    made = [tokens.generate() for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{44}", token) for token in made)
    assert all(map(tokens.is_token, made))


def test_se01_tokens_come_from_the_systems_generator(monkeypatch):
    asked = []
    monkeypatch.setattr(tokens.secrets, "token_bytes", lambda size: asked.append(size) or b"\xff" * size)
    assert tokens.generate() == "_" * 44
    assert asked == [33]


@pytest.mark.parametrize("token", ["A" * 44, "A" * 43 + "=", "-_" * 22, "0123456789" * 4 + "abcd"])
def test_44_url_safe_characters_are_a_token(token):
    assert tokens.is_token(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 43,
        "A" * 45,
        "A" * 42 + "==",
        "=" + "A" * 43,
        "A" * 20 + "=" + "A" * 23,
        "A" * 43 + "+",
        "A" * 43 + "/",
        "A" * 43 + " ",
        " " + "A" * 43,
        "A" * 44 + "\n",
        "A" * 43 + "\n",
        "A" * 43 + "\x00",
        "A" * 43 + "é",
        "A" * 43 + "\uff21",
        "A" * 43 + "\u0661",
        "A" * 43 + "\ud800",
        "A" * 1_000_000,
    ],
    ids=lambda text: ascii(text[-6:]) + f" of {len(text)}",
)
def test_anything_else_is_no_token(text):
    assert not tokens.is_token(text)


def test_se01_the_digest_is_sha256_of_purpose_and_token():
    token = "A" * 44
    assert tokens.digest("session", token) == hashlib.sha256(b"stytch_totp:session:" + b"A" * 44).hexdigest()


def test_se04_a_token_of_one_kind_is_not_found_as_another():
    purposes = ["session", "intermediate", "secret", "device"]
    assert len({tokens.digest(purpose, "A" * 44) for purpose in purposes}) == len(purposes)
    assert tokens.digest("session", "A" * 44) != tokens.digest("session", "a" * 44)
