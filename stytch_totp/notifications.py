"""Members are told by e-mail what was done to their second factor, after the commit (EN-12, RC-11, RL-18).

An edge: it hears of the events that operations record, and nobody calls it.
"""

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.timezone import get_default_timezone, localtime

from stytch_totp.conf import conf
from stytch_totp.core.totp import is_displayable
from stytch_totp.models import AuditEvent, Guard, Member, RecoveryCode, TOTPRegistration
from stytch_totp.operations.audit import Tag
from stytch_totp.signals import audit_event_recorded

logger = logging.getLogger("stytch_totp")

#: The template of each kind of event that members are told of, below ``stytch_totp/mail/``. Who is made to enrol is
#: told by the next login: no factor is lost by it, and it is done to whole organizations at once.
_TEMPLATES: Mapping[str, str] = {
    Tag.TOTP_ACTIVATED: "totp_added",
    Tag.TOTP_MIGRATED: "totp_added",
    Tag.TOTP_DELETED: "totp_removed",
    Tag.MFA_RESET: "mfa_reset",
    Tag.RECOVERY_CODE_SPENT: "recovery_code_used",
    Tag.RECOVERY_CODES_SHOWN: "recovery_codes_shown",
    Tag.RECOVERY_CODES_ROTATED: "recovery_codes_replaced",
    Tag.TOTP_REPLAYED: "totp_code_repeated",
    Tag.RECOVERY_CODE_REPLAYED: "recovery_code_repeated",
    Tag.GUARD_LOCKED: "locked",
}
_HOUR, _TEN_MINUTES = 3600, 600
#: Which earlier events, so many seconds before at most, said it already. A repeated code costs no attempt, so one who
#: repeats it all day would flood the mailbox, and the one mail that counts would drown. The codes that a page shows
#: once a TOTP is confirmed belong to that: the mail about it names them.
_SAID_BY: Mapping[str, Mapping[str, int]] = {
    Tag.TOTP_REPLAYED: {Tag.TOTP_REPLAYED: _HOUR},
    Tag.RECOVERY_CODE_REPLAYED: {Tag.RECOVERY_CODE_REPLAYED: _HOUR},
    Tag.RECOVERY_CODES_SHOWN: {Tag.RECOVERY_CODES_SHOWN: _HOUR, Tag.TOTP_ACTIVATED: _TEN_MINUTES},
    Tag.RECOVERY_CODES_ROTATED: {Tag.TOTP_ACTIVATED: _TEN_MINUTES},
}
#: Their address is a server's, or is no business of the member's.
_ELSEWHERE = frozenset({"project", "member", "staff"})
_LONGEST_NAME = 64
#: Where mail programs see a link begin or go on: ``https://``, ``evil.example`` in any spelling of the dot.
_JOINT = re.compile(r"(?<=\w)([.\u3002\uff0e\uff61:])(?=[\w/])")


def connect() -> None:
    audit_event_recorded.connect(_tell, dispatch_uid="stytch_totp.notifications")


def message_of(event: AuditEvent) -> EmailMessage | None:
    """The e-mail that tells a member of ``event``; None where there is nothing to tell, or nobody to be told.

    A member who was deleted since is told as well: it happened before that. In it stand neither codes nor secrets, nor
    why a member of staff did it.
    """
    name = _TEMPLATES.get(event.tag)
    if name is None or event.member_id is None or _was_said(event):
        return None
    member = Member.objects.select_related("organization").exclude(email="").filter(pk=event.member_id).first()
    if member is None:
        return None
    # In the site's language and zone. Those of the request are an attacker's, or a member of staff's, more often than
    # the member's, and whoever chose a language that the member can't read would go unnoticed.
    with translation.override(settings.LANGUAGE_CODE):
        context = _context(event, member)
        subject, body = (
            render_to_string(f"stytch_totp/mail/{name}.txt", {**context, "part": part}) for part in ("subject", "body")
        )
    # An answer by a machine, "out of office", isn't called for (RFC 3834).
    headers = {"Auto-Submitted": "auto-generated"}
    return EmailMessage(one_line(subject), body.strip() + "\n", to=[member.email], headers=headers)


def one_line(text: str) -> str:
    """``text`` without line breaks, or anything else that shows what isn't there (CWE-93: a header of one's own)."""
    return " ".join("".join(one if is_displayable(one) else " " for one in text).split())


def _tell(*, event: AuditEvent, **_: Any) -> None:
    if event.tag not in _TEMPLATES or not conf().notify_members:
        return
    try:
        message = message_of(event)
        if message is not None:
            conf().notify(message)
    except Exception as error:  # noqa: BLE001 - it is done and committed: no mail server may turn it into a failure
        # The type alone: what mail servers complain of quotes addresses.
        logger.error("Nobody was told of %s: %s", event.tag, type(error).__name__)  # noqa: TRY400 - as above


def _was_said(event: AuditEvent) -> bool:
    """Whether a mail about an earlier event covers this one. Of several at once, the first is told."""
    said = Q()
    for tag, seconds in _SAID_BY.get(event.tag, {}).items():
        said |= Q(tag=tag, at__gt=event.at - seconds)
    earlier = AuditEvent.objects.filter(member_id=event.member_id, pk__lt=event.pk)
    return bool(said) and earlier.filter(said).exists()


def _context(event: AuditEvent, member: Member) -> dict[str, Any]:
    """What templates may show: words, never rows, from which an overriding template could print more."""
    context: dict[str, Any] = {
        "account": member.email,
        "project": conf().project_name,
        "organization": "" if member.is_consumer else _harmless(member.organization.name),
        "at": _time(event.at),
        "ip_address": "" if event.actor_kind in _ELSEWHERE else _address(event.ip_address),
    }
    if event.tag == Tag.RECOVERY_CODE_SPENT:
        context["codes_left"] = _codes_left(member)
    if event.tag == Tag.GUARD_LOCKED:
        context |= _lock(event, member)
    return context


def _codes_left(member: Member) -> int:
    active = TOTPRegistration.State.ACTIVE
    return RecoveryCode.objects.filter(registration__member=member, registration__state=active, used_at=None).count()


def _lock(event: AuditEvent, member: Member) -> dict[str, str]:
    """Which kind of code, and until when: of the lock made last. Nothing, should it have been lifted since."""
    locked = Guard.objects.filter(member=member, locked_until__gt=event.at)
    guard = locked.order_by("-locked_at", "-locked_until").first()
    return {"kind": guard.kind, "until": _time(guard.locked_until)} if guard else {}


def _time(at: int) -> str:
    """As pages show it, with the zone: members are not always where the site is."""
    when = localtime(datetime.fromtimestamp(at, timezone.utc), get_default_timezone())
    return f"{date_format(when, 'DATETIME_FORMAT')} {when.tzname()}"


def _address(given: str) -> str:
    """An IP address, or nothing. Behind a proxy that believes everybody it is a header: an attacker's own words."""
    try:
        return str(ip_address(given.partition("%")[0]))  # the zone of an IPv6 address is any text
    except ValueError:
        return ""


def _harmless(name: str) -> str:
    """The name of an organization, as no mail program makes a link of it.

    A page may make an organization of any name and lock a member in it, and would so send, in the site's name, a link
    or paragraphs of an attacker's.
    """
    return _JOINT.sub(r"\1 ", one_line(name)[:_LONGEST_NAME])
