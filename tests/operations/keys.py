"""Keyrings in the course of a rotation, and everything that is sealed under them."""

from typing import Any

from django.apps import apps

from stytch_totp.models import Member, RecoveryCode, Session, SigningKey, TOTPRegistration
from stytch_totp.operations import enrolment, signing
from stytch_totp.operations.audit import SYSTEM, Tag, record
from tests.factories import enrol, make_member
from tests.operations.situations import session_of

OLD = "old:3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs="
NEW = "new:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="


def everything() -> Member:
    """A member with something sealed in every column that there is."""
    member = make_member()
    enrol(member)
    session_of(member, "password", "totp")
    signing.key_set()
    record(Tag.MEMBER_UPDATED, SYSTEM, member=member)
    return member


def begin_enrolment(member: Member) -> enrolment.Enrolment:
    return enrolment.create(member, proof=None, actor=SYSTEM)


def open_all() -> int:
    """Open every sealed value with the keyring in force; how many there are. Raises SealError."""
    codes = RecoveryCode.objects.select_related("registration__member").exclude(sealed_code=None)
    rows: list[Any] = [
        *TOTPRegistration.objects.select_related("member"),
        *codes,
        *Session.objects.select_related("member"),
        *SigningKey.objects.all(),
    ]
    for row in rows:
        row.reveal()
    return len(rows)


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of ours as the database has it: what changes nothing leaves this as it is."""
    models = apps.get_app_config("stytch_totp").get_models(include_auto_created=True)
    return {model.__name__: sorted(model.objects.values_list(), key=repr) for model in models}
