"""What the password endpoints of both dialects share: hashes from elsewhere, and the strength of a password."""

from typing import Any

from rest_framework import serializers

from stytch_totp.api.inputs import Object, Text
from stytch_totp.operations import hashes, passwords

CONFIGS = {
    "argon_2i": "argon_2_config",
    "argon_2id": "argon_2_config",
    "scrypt": "scrypt_config",
    "pbkdf_2": "pbkdf_2_config",
}


class HashInput(serializers.Serializer[Any]):
    hash = Text(shortest=1)
    hash_type = Text(shortest=1)
    argon_2_config = Object(required=False)
    scrypt_config = Object(required=False)
    pbkdf_2_config = Object(required=False)


class StrengthInput(serializers.Serializer[Any]):
    password = Text()


def encoded(data: dict[str, Any]) -> str:
    """The hash of a body as it is kept. Raises UnsupportedHash."""
    return hashes.encode(data["hash_type"], data["hash"], data.get(CONFIGS.get(data["hash_type"], ""), {}))


def strength_fields(data: dict[str, Any], feedback: str) -> dict[str, Any]:
    """What the site's rules say of a password; ``feedback`` is the dialect's name for the advice."""
    found = passwords.measure(data["password"])
    return {
        "valid_password": found.valid,
        "score": 4 if found.valid else 0,
        "breached_password": False,
        "breach_detection_on_create": False,
        "strength_policy": "zxcvbn",
        feedback: {"warning": "", "suggestions": found.problems},
    }
