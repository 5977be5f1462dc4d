"""Opaque tokens: 264 random bits as 44 URL-safe characters, kept as a digest."""

import base64
import hashlib
import re
import secrets

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}[A-Za-z0-9_=-]")


def generate() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(33)).decode()


def is_token(text: str) -> bool:
    """Whether ``text`` has the form of a token. Whether there is one, only the database knows."""
    return _TOKEN.fullmatch(text) is not None


def digest(purpose: str, token: str) -> str:
    """What is stored and looked up. The purpose keeps a token of one kind from being taken for another."""
    return hashlib.sha256(f"stytch_totp:{purpose}:{token}".encode()).hexdigest()
