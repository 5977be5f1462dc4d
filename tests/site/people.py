"""People and their organizations, made in the server's own process: each can log in with ``PASSWORD``."""

from typing import Any
from uuid import uuid4

import pyotp
from django.contrib.auth import get_user_model

from stytch_totp.models import Member, Organization
from stytch_totp.operations import enrolment, members, organizations, sessions
from stytch_totp.operations.audit import SYSTEM

PASSWORD = "correct horse battery staple"
#: Nothing in them may be broken, and yet a page must.
LONG_NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
LONG_DOMAIN = "wolfeschlegelsteinhausenbergerdorff-and-daughters.sub-domain-of-a-holding-company.example"
REQUIRED, OPTIONAL = {"mfa_policy": "REQUIRED_FOR_ALL"}, {"mfa_policy": "OPTIONAL"}
RESTRICTED = REQUIRED | {"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]}
#: The organizations that somebody belongs to, by what the person is called in these tests.
KINDS: dict[str, list[dict[str, Any]]] = {
    "newcomer": [REQUIRED],
    "enrolled": [REQUIRED],
    "short of codes": [REQUIRED],
    "unasked": [OPTIONAL],
    "of two": [OPTIONAL, REQUIRED],
    "restricted": [RESTRICTED],
    "staff": [OPTIONAL],
}
#: The recovery codes of those who have an app; ten are minted for who has none.
CODES: dict[str, list[str]] = {"enrolled": [], "short of codes": ["ckss-2skx-ebow"]}


def make(kind: str, number: int, *, long: bool = False) -> list[dict[str, Any]]:
    """So many people, of the same organizations. ``long`` are the names of all."""
    rows = [(f"{name} Ltd", policy) for name, policy in zip(("Acme", "Globex"), KINDS[kind], strict=False)]
    tenants = [
        organizations.create(actor=SYSTEM, name=LONG_NAME + name if long else name, slug=uuid4().hex, **policy)
        for name, policy in rows
    ]
    return [_person(kind, tenants, LONG_DOMAIN if long else "acme.example") for _ in range(number)]


def _person(kind: str, tenants: list[Organization], domain: str) -> dict[str, Any]:
    email = f"ada.{uuid4().hex[:12]}@{domain}"
    staff = kind == "staff"
    user = get_user_model().objects.create_user(email, email, PASSWORD, is_staff=staff, is_superuser=staff)
    mine = [members.create(tenant, email=email, user=user, actor=SYSTEM) for tenant in tenants]
    secret, codes = _enrol(mine[0], CODES[kind]) if kind in CODES else ("", [])
    names = [tenant.name for tenant in tenants]
    return {"email": email, "organizations": names, "secret": secret, "codes": codes}


def _enrol(member: Member, codes: list[str]) -> tuple[str, list[str]]:
    secret = pyotp.random_base32()
    return secret, enrolment.migrate(member, secret=secret, recovery_codes=codes, actor=SYSTEM).recovery_codes


def revoke(email: str) -> None:
    """End every session of somebody, as an administrator does."""
    sessions.revoke_of_member(Member.objects.get(email=email), actor=SYSTEM)
