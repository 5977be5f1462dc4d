"""People and organizations in the situations that tests are about, made through the SDK."""

import base64
import hashlib
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pyotp

from tests.contract.driver import Driver
from tests.live import Live

PASSWORD = "correct horse battery staple"
SALT = b"sixteen bytes long"
#: As Stytch's ``pbkdf_2`` hashes it, in a single round: these tests log in often.
PASSWORD_HASH = base64.b64encode(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, 1)).decode()
PASSWORD_CONFIG = {
    "salt": base64.b64encode(SALT).decode(),
    "iteration_amount": 1,
    "key_length": 32,
    "algorithm": "sha256",
}
STEP = 30

_numbers = count(1)


class Clock:
    """The server's clock. It stands still until it is moved."""

    def __init__(self, live: Live) -> None:
        self.live = live

    @property
    def now(self) -> int:
        return int(self.live.now)

    def set(self, at: float) -> None:
        self.live.set_clock(at)

    def advance(self, seconds: float) -> None:
        self.set(self.now + seconds)


@dataclass
class Person:
    """A member with a password, and what the member's authenticator app and paper know."""

    sdk: Driver
    clock: Clock
    organization_id: str
    member_id: str
    email: str
    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)

    @property
    def ids(self) -> dict[str, str]:
        return {"organization_id": self.organization_id, "member_id": self.member_id}

    @property
    def member(self) -> Any:
        return self.sdk.organizations.members.get(**self.ids).member

    def log_in(self, password: str = PASSWORD, **options: Any) -> Any:
        return self.sdk.passwords.authenticate(self.organization_id, self.email, password, **options)

    def session(self, **options: Any) -> Any:
        """The answer to a login that is complete with the password."""
        answer = self.log_in(**options)
        assert answer.member_authenticated
        return answer

    def ist(self) -> str:
        """The intermediate session token of a login that owes a second factor."""
        answer = self.log_in()
        assert not answer.member_authenticated
        return str(answer.intermediate_session_token)

    def code(self, *, steps: int = 0) -> str:
        """What the app shows by the server's clock, or so many steps from now."""
        return str(pyotp.TOTP(self.secret).at(self.clock.now + STEP * steps))

    def wrong_code(self) -> str:
        near = {self.code(steps=steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(1000)) if code not in near)

    def verify(self, **options: Any) -> Any:
        """Show the app's code."""
        options.setdefault("code", self.code() if self.secret else "")
        return self.sdk.totps.authenticate(**self.ids, **options)


def new_organization(sdk: Driver, **fields: Any) -> str:
    """The id of a new organization."""
    named = {"organization_name": f"Organization {next(_numbers)}", **fields}
    return str(sdk.organizations.create(**named).organization.organization_id)


def give_password(sdk: Driver, organization_id: str, email: str, **fields: Any) -> Any:
    """Import the password of a member, who is made if need be."""
    return sdk.passwords.migrate(
        email_address=email,
        hash=PASSWORD_HASH,
        hash_type="pbkdf_2",
        organization_id=organization_id,
        pbkdf_2_config=PASSWORD_CONFIG,
        **fields,
    )


def new_person(
    sdk: Driver, clock: Clock, organization_id: str = "", *, enrolled: bool = False, **member_fields: Any
) -> Person:
    """A member, by default of an organization of its own; ``enrolled`` with an active TOTP, its code not spent."""
    organization_id = organization_id or new_organization(sdk)
    email = f"person{next(_numbers)}@example.com"
    if member_fields:
        sdk.organizations.members.create(organization_id, email, **member_fields)
    made = give_password(sdk, organization_id, email)
    person = Person(sdk, clock, made.organization.organization_id, made.member_id, email)
    if enrolled:
        person.secret = pyotp.random_base32()
        person.recovery_codes = sdk.totps.migrate(**person.ids, secret=person.secret, recovery_codes=[]).recovery_codes
    return person


def factors(session: Any) -> list[str]:
    """The types of a session's authentication factors, in order."""
    return [factor.type.value for factor in session.authentication_factors]
