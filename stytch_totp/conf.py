"""The settings, read once from ``settings.STYTCH_TOTP`` into a frozen ``Conf``: ``conf().lock_threshold``."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cached_property, lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.module_loading import import_string

from stytch_totp.core.guard import LockPolicy
from stytch_totp.core.ids import format_id, is_project_id, is_public_token
from stytch_totp.core.sealing import Keyring, KeyringError, parse_keyring
from stytch_totp.core.tokens import digest

SETTING = "STYTCH_TOTP"
SHORTEST_SECRET = 24
#: Settings that name code, and what they are called once it is imported.
_CALLABLES = {
    "clock": "read_clock",
    "organization_resolver": "resolve_organization",
    "send_notification": "notify",
}
_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


def _setting(sentence: str, default: Any, *, at_least: int = 0, at_most: int = 0, secret: bool = False) -> Any:
    metadata = {"sentence": sentence, "at_least": at_least, "at_most": at_most}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Conf:
    """Every setting with its sentence; the README's table is checked against this class."""

    project_id: str = _setting("`project-test-<uuid>`: the user name of the server API and the audience of JWTs.", "")
    project_name: str = _setting(
        "Shown by authenticator apps as the issuer, before the organization's name.", "Example"
    )
    secrets: tuple[str, ...] = _setting(
        "Accepted server secrets; more than one while you rotate them.", (), secret=True
    )
    public_tokens: tuple[str, ...] = _setting(
        "Accepted public tokens, `public-token-test-<uuid>`: what pages call `/sdk/v1` with. Empty: no page may.", ()
    )
    allowed_origins: tuple[str, ...] = _setting(
        "Origins of the pages that may call `/sdk/v1`, exactly as browsers send them: `https://app.example.org`.", ()
    )
    keyring: tuple[str, ...] = _setting(
        "`kid:base64-of-32-bytes` entries; the first seals, every one opens.", (), secret=True
    )
    clock: Callable[[], float] | str = _setting(
        "Seconds since the epoch: a callable or its dotted path. The only clock that is read.", time.time
    )
    lock_threshold: int = _setting(
        "Failed attempts in a row, counted per member and kind of code, that lock.",
        10,
        at_least=1,
        at_most=100,
    )
    lock_minutes: int = _setting("Length of the first lock; each further one doubles.", 60, at_least=5, at_most=10080)
    lock_longest_minutes: int = _setting("Where the doubling ends.", 10080, at_least=5, at_most=10080)
    intermediate_session_minutes: int = _setting("Life of an intermediate session token.", 10, at_least=1, at_most=60)
    intermediate_session_failures: int = _setting(
        "Failed attempts that end an intermediate session.", 5, at_least=1, at_most=100
    )
    rotate_session_token: bool = _setting(
        "Finishing MFA on a session issues a new `session_token` and ends the old one. "
        "Stricter than Stytch; False keeps the token.",
        True,
    )
    origin_required: bool = _setting(
        "A call to `/sdk/v1` that changes something must name the page's origin. "
        "False admits clients that aren't browsers.",
        True,
    )
    browser_session_minutes: int = _setting(
        "Longest session that a page may ask for.", 43200, at_least=60, at_most=527040
    )
    bind_intermediate_session: bool = _setting(
        "An intermediate session begun by a page is good for that page's origin and public token alone, and for back "
        "ends. Stricter than Stytch; False where a login goes on on another of your origins.",
        True,
    )
    bind_pending_totp: bool = _setting(
        "A TOTP that a page created can be confirmed in the session that created it alone. Stricter than Stytch.",
        True,
    )
    enrolment_minutes: int = _setting(
        "A page may create a TOTP for this long after a primary factor was shown. Stricter than Stytch; 0 asks for "
        "no age.",
        10,
        at_most=527040,
    )
    step_up_minutes: int = _setting(
        "A page may remove a factor for this long after a second factor was shown, and show recovery codes for this "
        "long after a TOTP code. Stricter than Stytch; 0 takes Stytch's rules: 60 for Users, no age for Members.",
        10,
        at_most=527040,
    )
    guard_other_factors: bool = _setting(
        "At a page, a Django user who has a TOTP in one organization enrols one in another only after the first was "
        "shown at the site, and makes no further organization. Stricter than Stytch.",
        True,
    )
    recovery_shows_codes: bool = _setting(
        "A page whose session was stepped up by a recovery code may show and rotate the others, as with Stytch. "
        "One stolen code would yield nine more.",
        False,
    )
    forget_deleted_totp: bool = _setting(
        "Removing a TOTP removes it from running sessions, too, which go on with the factors that are left. "
        "Stricter than Stytch.",
        True,
    )
    discovery_creates_organizations: bool = _setting(
        "Who has logged in by discovery may create an organization from a page.", True
    )
    organization_resolver: Callable[[HttpRequest], str | None] | str = _setting(
        "Which organization a request to your site is about: a callable, or its dotted path, that takes the request "
        "and returns a slug, by sub-domain, say, or None. Without one, visitors of several organizations choose.",
        "",
    )
    recheck_seconds: int = _setting(
        "Your site takes a verified visit for granted this long before it asks the database again whether it was "
        "revoked.",
        30,
        at_most=300,
    )
    users_require_mfa: bool = _setting(
        "Your site asks everybody who belongs to no organization for a second factor; else those who have one.", False
    )
    admin_requires_mfa: bool = _setting(
        "Django's admin asks everybody for a second factor, whatever their organization's policy.", True
    )
    recovery_codes_viewable: bool = _setting(
        "Unused recovery codes can be shown again. False keeps nothing that could be, and showing answers 403.",
        True,
    )
    foreign_recovery_codes: bool = _setting(
        "Migration takes recovery codes of another form than `xxxx-xxxx-xxxx` (8 to 32 letters and digits), "
        "as Stytch does.",
        False,
    )
    second_approver: bool = _setting(
        "What support does to a member in the admin waits until a second member of staff, with the same permission, "
        "approves of it.",
        False,
    )
    notify_members: bool = _setting(
        "Members are told by e-mail when their TOTP is added, removed or reset, when recovery codes are used, shown or "
        "replaced, when a code is shown twice, and when they are locked.",
        True,
    )
    send_notification: Callable[[EmailMessage], object] | str = _setting(
        "What sends such an e-mail: a callable, or its dotted path, that takes a `django.core.mail.EmailMessage`. Hand "
        "it to your task queue here; without one it is sent at once, after the commit.",
        "",
    )
    audit_chain: bool = _setting(
        "Audit events are linked to a hash chain for each organization, one at a time. False where one organization "
        "has more than some hundred logins a second; its events then can be removed unseen.",
        True,
    )
    audit_retention_days: int = _setting(
        "`stytch_totp_purge` deletes audit events that are older; 0 keeps them for ever.", 0, at_most=36500
    )
    session_retention_days: int = _setting(
        "`stytch_totp_purge` deletes sessions and logins that ended longer ago.", 30, at_least=1, at_most=36500
    )
    signing_key_bits: int = _setting(
        "RSA size of new signing keys: 2048, or 3072 for 128-bit strength.", 2048, at_least=2048, at_most=4096
    )

    @cached_property
    def environment(self) -> str:
        """``test`` or ``live``: the second word of the project id and of every id made here."""
        return self.project_id.split("-")[1]

    @cached_property
    def secret_digests(self) -> tuple[str, ...]:
        return tuple(digest("secret", secret) for secret in self.secrets)

    @cached_property
    def keys(self) -> Keyring:
        return parse_keyring(self.keyring, forbidden=map(str, (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)))

    @cached_property
    def lock_policy(self) -> LockPolicy:
        return LockPolicy(self.lock_threshold, self.lock_minutes * 60, self.lock_longest_minutes * 60)

    @cached_property
    def read_clock(self) -> Callable[[], float]:
        clock: Callable[[], float] = import_string(self.clock) if isinstance(self.clock, str) else self.clock
        return clock

    @cached_property
    def resolve_organization(self) -> Callable[[HttpRequest], str | None]:
        given = self.organization_resolver or _leave_open
        resolver: Callable[[HttpRequest], str | None] = import_string(given) if isinstance(given, str) else given
        return resolver

    @cached_property
    def notify(self) -> Callable[[EmailMessage], object]:
        given = self.send_notification or _send
        sender: Callable[[EmailMessage], object] = import_string(given) if isinstance(given, str) else given
        return sender


def _send(message: EmailMessage) -> None:
    message.send()


def _leave_open(_: HttpRequest) -> None:
    return None


@dataclass(frozen=True)
class Fault:
    """What is wrong with a setting. ``code`` is stable: it is the end of the system check's id."""

    code: str
    message: str


@lru_cache(maxsize=1)
def conf() -> Conf:
    """The settings in force. Raises ImproperlyConfigured: without good settings, a keyring above all, nothing runs."""
    given = getattr(settings, SETTING, {})
    problems = faults(given)
    if problems:
        raise ImproperlyConfigured("; ".join(f"{fault.code}: {fault.message}" for fault in problems))
    return _build(given)


def now() -> int:
    """The time, in whole seconds since the epoch, by the injectable clock."""
    return int(conf().read_clock())


def faults(given: object) -> list[Fault]:
    """Everything that is wrong with a ``STYTCH_TOTP`` dictionary; nothing when it can be used."""
    if not isinstance(given, Mapping):
        return [Fault("not_a_dictionary", f"{SETTING} is a dictionary")]
    known = {one.name.upper(): one for one in fields(Conf)}
    found = [Fault("unknown_setting", f"{name} is not a setting") for name in given if name not in known]
    for name in known.keys() & given.keys():
        found += _type_fault(known[name], given[name])
    return found or _value_faults(_build(given))


def _build(given: Mapping[str, Any]) -> Conf:
    values: dict[str, Any] = {}
    for name, value in given.items():
        values[name.lower()] = tuple(value) if isinstance(value, list) else value
    return Conf(**values)


def _type_fault(one: Field[Any], value: object) -> Iterable[Fault]:
    name = one.name.upper()
    if one.name in _CALLABLES:
        if not (callable(value) or isinstance(value, str)):
            yield Fault("bad_type", f"{name} is a callable or a dotted path")
    elif isinstance(one.default, tuple):
        if not isinstance(value, list | tuple):
            yield Fault("keyring_not_a_list" if one.name == "keyring" else "bad_type", f"{name} is a list")
    elif type(value) is not type(one.default):
        yield Fault("bad_type", f"{name} is of type {type(one.default).__name__}")
    elif isinstance(value, int) and one.metadata["at_most"]:
        low, high = one.metadata["at_least"], one.metadata["at_most"]
        if not low <= value <= high:
            yield Fault("out_of_range", f"{name} is {low} to {high}")


def _value_faults(built: Conf) -> list[Fault]:
    found = []
    if not is_project_id(built.project_id):
        found.append(Fault("project_id", "PROJECT_ID is project-test-<uuid> or project-live-<uuid>"))
    elif not all(is_public_token(str(token), built.environment) for token in built.public_tokens):
        found.append(Fault("public_token", f"PUBLIC_TOKENS lists public-token-{built.environment}-<uuid>"))
    if not built.secrets:
        found.append(Fault("no_secrets", "SECRETS is empty: nobody could call the server API"))
    elif any(not isinstance(secret, str) or len(secret) < SHORTEST_SECRET for secret in built.secrets):
        found.append(Fault("short_secret", f"a server secret has {SHORTEST_SECRET} characters or more"))
    if any(not _ORIGIN.fullmatch(str(origin)) for origin in built.allowed_origins):
        found.append(Fault("allowed_origin", "ALLOWED_ORIGINS lists scheme://host[:port], in lower case, no path"))
    found += [fault for name in _CALLABLES for fault in _import_fault(built, name)]
    try:
        _ = built.keys
    except KeyringError as error:
        found.append(Fault(f"keyring_{error.code}", str(error)))
    return found


def _import_fault(built: Conf, name: str) -> Iterable[Fault]:
    try:
        getattr(built, _CALLABLES[name])
    except ImportError:
        yield Fault(name, f"{name.upper()} is not the dotted path of a callable")


def public_id(kind: Any, value: Any) -> str:
    """A row's id as this project spells it."""
    return format_id(kind, value, conf().environment)


def _forget(*, setting: str, **_: object) -> None:
    if setting in (SETTING, "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        conf.cache_clear()


setting_changed.connect(_forget)
