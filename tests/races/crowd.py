"""Very many people at once, and what their rows are sealed under: the desk of the test of rotation.

``python -m tests.races.crowd`` speaks as ``desk.py`` does.
"""

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import django

from tests.races.desk import Desk

CODES = 10
ROWS_A_PERSON = CODES + 2  # with a registration and a session


class CrowdDesk(Desk):
    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.crowd"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )


def make(*, count: int, known: int) -> list[dict[str, Any]]:
    """``count`` Users with a TOTP, ten recovery codes and a session each; what the first ``known`` of them know."""
    made: list[dict[str, Any]] = []
    for begun in range(0, count, 500):
        made += _make_some(min(500, count - begun))[: max(0, known - begun)]
    return made


def _make_some(count: int) -> list[dict[str, Any]]:
    from stytch_totp import conf
    from stytch_totp.core import codes, tokens
    from stytch_totp.core.totp import generate_secret
    from stytch_totp.models import Guard, Member, RecoveryCode, Session, TOTPRegistration
    from stytch_totp.operations import organizations

    now, directory = conf.now(), organizations.consumer()
    people = [
        Member(organization=directory, has_active_totp=True, created_at=now, updated_at=now) for _ in range(count)
    ]
    for one in people:
        one.email = one.email_key = f"{uuid4().hex}@example.com"
    Member.objects.bulk_create(people)
    Guard.objects.bulk_create(Guard(member=one, kind=kind) for one in people for kind in Guard.Kind)
    common = {"created_at": now, "verified_at": now, "expires_at": 0, "state": TOTPRegistration.State.ACTIVE}
    registrations = [TOTPRegistration(member=one, **common) for one in people]
    secrets, sets = [generate_secret() for _ in people], [codes.generate_set() for _ in people]
    sessions = [
        Session(member=one, token_digest=uuid4().hex, started_at=now, last_accessed_at=now, expires_at=now + 86400)
        for one in people
    ]
    for registration, secret, session in zip(registrations, secrets, sessions, strict=True):
        registration.seal(secret)
        session.sealed_token = session.seal(tokens.generate())
    TOTPRegistration.objects.bulk_create(registrations)
    Session.objects.bulk_create(sessions)
    RecoveryCode.objects.bulk_create(
        RecoveryCode.make(registration, position, code)
        for registration, chosen in zip(registrations, sets, strict=True)
        for position, code in enumerate(chosen)
    )
    return [
        {"member_id": one.public_id, "secret": secret, "codes": chosen}
        for one, secret, chosen in zip(people, secrets, sets, strict=True)
    ]


def moved(*, kid: str) -> int:
    """Unused recovery codes under this key."""
    from stytch_totp.models import RecoveryCode

    return RecoveryCode.objects.filter(digest_kid=kid, used_at=None).count()


def counts() -> dict[str, int]:
    """Rows, and among them those that are worth something."""
    from stytch_totp.models import RecoveryCode, Session, TOTPRegistration

    return {
        "registrations": TOTPRegistration.objects.count(),
        "codes": RecoveryCode.objects.count(),
        "codes_used": RecoveryCode.objects.exclude(used_at=None).count(),
        "sessions": Session.objects.count(),
    }


def _serve() -> None:
    django.setup()
    for line in sys.stdin:
        asked = json.loads(line)
        answer = globals()[asked["do"]](**asked["with"])
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
