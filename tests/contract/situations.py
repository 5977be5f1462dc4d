"""People and organizations in the situations that tests are about, made through the SDK."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import argon2.low_level
import bcrypt
import pyotp
from stytch.b2b.models.sessions import RevokeRequestOptions
from stytch.consumer.models.passwords import Argon2Config, PBKDF2Config, ScryptConfig
from stytch.shared.method_options import Authorization

from tests.contract.driver import Driver
from tests.live import Live

PASSWORD = "correct horse battery staple"
SALT = b"salt of sixteen!"
SCRYPT = {"n_parameter": 16, "r_parameter": 1, "p_parameter": 1, "key_length": 32}


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _argon2(kind: argon2.low_level.Type, *, raw: bool = False) -> bytes:
    hash_password = argon2.low_level.hash_secret_raw if raw else argon2.low_level.hash_secret
    return hash_password(PASSWORD.encode(), SALT, 1, 8, 1, 32, kind)


#: As Stytch's ``pbkdf_2`` hashes it, in a single round: these tests log in often.
PASSWORD_HASH = _base64(hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), SALT, 1))
IMPORTED = (PASSWORD_HASH, "pbkdf_2")
PASSWORD_CONFIG = {"salt": _base64(SALT), "iteration_amount": 1, "key_length": 32, "algorithm": "sha256"}
#: The password as other services keep it: type, hash and what else the SDK takes.
HASHES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bcrypt": ("bcrypt", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), {}),
    "argon_2i": ("argon_2i", _argon2(argon2.low_level.Type.I).decode(), {}),
    "argon_2id, bare": (
        "argon_2id",
        _base64(_argon2(argon2.low_level.Type.ID, raw=True)),
        {"argon_2_config": Argon2Config(salt=SALT.decode(), iteration_amount=1, memory=8, threads=1, key_length=32)},
    ),
    "scrypt": (
        "scrypt",
        _base64(hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=16, r=1, p=1, dklen=32)),
        {
            "scrypt_config": ScryptConfig(
                salt=_base64(SALT), n_parameter=16, r_parameter=1, p_parameter=1, key_length=32
            )
        },
    ),
    "pbkdf_2, sha512": (
        "pbkdf_2",
        _base64(hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), SALT, 2)),
        {"pbkdf_2_config": PBKDF2Config(salt=_base64(SALT), iteration_amount=2, key_length=64, algorithm="sha512")},
    ),
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


@dataclass(kw_only=True)
class Somebody:
    """Who has an authenticator app and a sheet of recovery codes, or has nothing yet."""

    sdk: Driver
    clock: Clock
    email: str
    secret: str = ""
    recovery_codes: list[str] = field(default_factory=list)

    def code(self, *, steps: int = 0) -> str:
        """What the app shows by the server's clock, or so many steps from now."""
        return str(pyotp.TOTP(self.secret).at(self.clock.now + STEP * steps))

    def wrong_code(self) -> str:
        near = {self.code(steps=steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(1000)) if code not in near)


@dataclass(kw_only=True)
class Person(Somebody):
    """A member with a password."""

    organization_id: str
    member_id: str

    @property
    def ids(self) -> dict[str, str]:
        return {"organization_id": self.organization_id, "member_id": self.member_id}

    @property
    def member(self) -> Any:
        return self.sdk.organizations.members.get(**self.ids).member

    def require_mfa(self) -> "Person":
        """Have the person's organization require MFA of everybody."""
        self.sdk.organizations.update(self.organization_id, mfa_policy="REQUIRED_FOR_ALL")
        return self

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

    def verify(self, **options: Any) -> Any:
        """Show the app's code."""
        options.setdefault("code", self.code() if self.secret else "")
        return self.sdk.totps.authenticate(**self.ids, **options)


@dataclass(kw_only=True)
class User(Somebody):
    """A user of the consumer product, with a password."""

    user_id: str
    totp_id: str = ""

    @property
    def user(self) -> Any:
        return self.sdk.users.get(self.user_id)

    def log_in(self, password: str = PASSWORD, **options: Any) -> Any:
        return self.sdk.passwords.authenticate(self.email, password, **options)

    def session(self, **options: Any) -> Any:
        """The answer to a login that asks for a session."""
        return self.log_in(**{"session_duration_minutes": 60, **options})

    def create(self, **options: Any) -> Any:
        """Have a secret made, and put it into the app."""
        made = self.sdk.totps.create(self.user_id, **options)
        self.secret, self.recovery_codes, self.totp_id = made.secret, made.recovery_codes, made.totp_id
        return made

    def verify(self, **options: Any) -> Any:
        """Show the app's code."""
        options.setdefault("totp_code", self.code() if self.secret else "")
        return self.sdk.totps.authenticate(self.user_id, **options)

    def recover(self, **options: Any) -> Any:
        """Show a recovery code, by default one that was never made."""
        return self.sdk.totps.recover(self.user_id, **{"recovery_code": "aaaa-bbbb-cccc", **options})


def new_organization(sdk: Driver, **fields: Any) -> str:
    """The id of a new organization."""
    named = {"organization_name": f"Organization {next(_numbers)}", **fields}
    return str(sdk.organizations.create(**named).organization.organization_id)


def by(**credential: str) -> RevokeRequestOptions:
    """The ``method_options`` of a call that a member's own session authorises. All methods' options are alike."""
    return RevokeRequestOptions(authorization=Authorization(**credential))


def give_password(sdk: Driver, organization_id: str, email: str, **fields: Any) -> Any:
    """Import the password of a member, who is made if need be."""
    return sdk.passwords.migrate(email, *IMPORTED, organization_id, pbkdf_2_config=PASSWORD_CONFIG, **fields)


def new_person(
    sdk: Driver,
    clock: Clock,
    organization_id: str = "",
    *,
    email: str = "",
    enrolled: bool = False,
    **member_fields: Any,
) -> Person:
    """A member, by default of an organization of its own; ``enrolled`` with an active TOTP, its code not spent."""
    organization_id = organization_id or new_organization(sdk)
    email = email or new_email()
    if member_fields:
        sdk.organizations.members.create(organization_id, email, **member_fields)
    made = give_password(sdk, organization_id, email)
    person = Person(
        sdk=sdk,
        clock=clock,
        email=email,
        organization_id=made.organization.organization_id,
        member_id=made.member_id,
    )
    if enrolled:
        person.secret = pyotp.random_base32()
        person.recovery_codes = sdk.totps.migrate(**person.ids, secret=person.secret, recovery_codes=[]).recovery_codes
    return person


def new_email() -> str:
    return f"person{next(_numbers)}@example.com"


def new_phone_number() -> str:
    return f"+1212555{next(_numbers):04}"


def give_user_password(sdk: Driver, email: str, **fields: Any) -> Any:
    """Import the password of a user, who is made if need be."""
    return sdk.passwords.migrate(email, *IMPORTED, pbkdf_2_config=PASSWORD_CONFIG, **fields)


def new_user(sdk: Driver, clock: Clock, *, enrolled: bool = False, **fields: Any) -> User:
    """A user with a password; ``enrolled`` with an active TOTP, the code of the present step not spent."""
    email = new_email()
    if fields:
        sdk.users.create(email, **fields)
    user = User(sdk=sdk, clock=clock, email=email, user_id=give_user_password(sdk, email).user_id)
    if enrolled:
        user.create()
        user.verify(totp_code=user.code(steps=-1))
    return user


def factors(session: Any) -> list[str]:
    """The types of a session's authentication factors, in order."""
    return [factor.type.value for factor in session.authentication_factors]


def shown(thing: Any, names: Iterable[str]) -> dict[str, Any]:
    """What the SDK's model of an object shows under these names, as plain values."""
    return {name: value for name, value in thing.model_dump(mode="json").items() if name in names}


def every_value(rest: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The query of a search for what has all of these values."""
    return {"operator": "AND", "operands": [{"filter_name": name, "filter_value": value} for name, value in rest]}
