"""What a search can filter by: for each name on the wire, a condition made of its value.

A value of another type, or one that would keep a database busy, is refused.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Lower
from django.db.models.lookups import Contains

from stytch_totp import conf, errors
from stytch_totp.core.ids import Kind, parse_id, parse_timestamp
from stytch_totp.core.rbac import MEMBER_ROLE
from stytch_totp.models import Member, Organization, TOTPRegistration
from stytch_totp.operations.profiles import email_key

FUZZY_LENGTH, LONGEST_FUZZY = 3, 256
MOST_LISTED = 20  # values that are looked for one by one
Filters = Mapping[str, Callable[[Any], Q]]


def texts(value: Any) -> list[str]:
    """Raises BadRequest."""
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise errors.BadRequest("This search filter takes a list of strings, not empty.")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise errors.BadRequest("This search filter takes a string.")
    return value


def _few(value: Any) -> list[str]:
    if len(texts(value)) > MOST_LISTED:
        raise errors.BadRequest(f"This search filter takes at most {MOST_LISTED} strings.")
    return list(value)


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise errors.BadRequest("This search filter takes a boolean.")
    return value


def _fuzzy(value: Any) -> str:
    if not FUZZY_LENGTH <= len(_text(value)) <= LONGEST_FUZZY:
        raise errors.BadRequest(f"A fuzzy search takes {FUZZY_LENGTH} to {LONGEST_FUZZY} characters.")
    return str(value)


def _keys(kind: Kind, value: Any) -> list[UUID]:
    keys = (parse_id(kind, one, conf.conf().environment) for one in texts(value))
    return [key for key in keys if key]


def _emails(value: Any) -> list[str]:
    return [email_key(one) for one in texts(value)]


def _listed(setting: str) -> Callable[[Any], Q]:
    """Whether one of the values stands in a list that is kept as JSON: quoted, it can't be a part of another."""

    def condition(value: Any) -> Q:
        found = Q()
        for one in _few(value):
            found |= _containing(setting, f'"{one}"', json.dumps(one))
        return found

    return condition


def _listed_fuzzy(setting: str) -> Callable[[Any], Q]:
    return lambda value: _containing(setting, _fuzzy(value), json.dumps(value)[1:-1])


def _containing(setting: str, plain: str, escaped: str) -> Q:
    """Whether a setting's JSON has a text in it: databases differ in whether they keep its letters escaped."""
    listed = Organization.objects.annotate(listed=KeyTextTransform(setting, "settings"))
    return Q(pk__in=listed.filter(Q(listed__icontains=plain) | Q(listed__icontains=escaped)).values("pk"))


_NOTHING = Q(pk__in=[])


def _having(condition: Q, wanted: bool) -> Q:
    return condition if wanted else ~condition


def _has_member(condition: Q) -> Q:
    return Q(Exists(Member.objects.filter(condition, organization=OuterRef("pk"))))


ORGANIZATION: Filters = {
    "organization_ids": lambda value: Q(pk__in=_keys("organization", value)),
    "organization_slugs": lambda value: Q(slug__in=texts(value)),
    "organization_name_fuzzy": lambda value: Q(name__icontains=_fuzzy(value)),
    "organization_slug_fuzzy": lambda value: Q(Contains(Lower("slug"), _fuzzy(value).lower())),
    "member_emails": lambda value: _has_member(Q(email_key__in=_emails(value))),
    "member_email_fuzzy": lambda value: _has_member(Q(email_key__contains=_fuzzy(value).lower())),
    "allowed_domains": _listed("email_allowed_domains"),
    "allowed_domain_fuzzy": _listed_fuzzy("email_allowed_domains"),
    "claimed_email_domains": _listed("claimed_email_domains"),
    # Single sign-on is not served, so no organization has a connection.
    "has_active_sso_connection": lambda value: _having(_NOTHING, _boolean(value)),
    "sso_connection_id": lambda value: _having(_NOTHING, bool(_text(value))),
}


def _totp_exists(value: Any) -> Q:
    active = TOTPRegistration.objects.filter(member=OuterRef("pk"), state=TOTPRegistration.State.ACTIVE)
    return _having(Q(Exists(active)), _boolean(value))


def _with_roles(value: Any) -> Q:
    roles, found = _few(value), Q()
    if MEMBER_ROLE in roles:
        return ~_NOTHING
    for role in roles:
        found |= Q(roles__icontains=f'"{role}"')
    return found


def _phones(value: Any) -> Q:
    return Q(mfa_phone_number__in=texts(value))


def _phone_fuzzy(value: Any) -> Q:
    return Q(mfa_phone_number__contains=_fuzzy(value))


MEMBER: Filters = {
    "member_ids": lambda value: Q(pk__in=_keys("member", value)),
    "member_emails": lambda value: Q(email_key__in=_emails(value)),
    "member_email_fuzzy": lambda value: Q(email_key__contains=_fuzzy(value).lower()),
    "member_is_breakglass": lambda value: Q(is_breakglass=_boolean(value)),
    "statuses": lambda value: Q(status__in=texts(value)),
    "member_mfa_phone_numbers": _phones,
    "member_phone_numbers": _phones,
    "member_mfa_phone_number_fuzzy": _phone_fuzzy,
    "member_phone_number_fuzzy": _phone_fuzzy,
    "member_password_exists": lambda value: _having(~Q(password="") | ~Q(user=None), _boolean(value)),
    "member_roles": _with_roles,
    "member_totp_exists": _totp_exists,
}


def _has_totp(condition: Q) -> Q:
    return Q(Exists(TOTPRegistration.objects.filter(condition, member=OuterRef("pk"))))


def _time(value: Any) -> int:
    at = parse_timestamp(_text(value))
    if at is None:
        raise errors.BadRequest("This search filter takes an RFC 3339 timestamp.")
    return at


def _between(value: Any) -> Q:
    if not isinstance(value, dict):
        raise errors.BadRequest("This search filter takes greater_than and less_than.")
    return Q(created_at__gt=_time(value.get("greater_than")), created_at__lt=_time(value.get("less_than")))


def _unused(value: Any) -> Q:
    """A filter by a kind of factor that is not served: nobody has one."""
    texts(value)
    return _NOTHING


def _unused_flag(value: Any) -> Q:
    return _having(_NOTHING, _boolean(value))


USER: Filters = {
    "created_at_greater_than": lambda value: Q(created_at__gt=_time(value)),
    "created_at_less_than": lambda value: Q(created_at__lt=_time(value)),
    "created_at_between": _between,
    "status": lambda value: Q(status=_text(value)),
    "user_id": lambda value: Q(pk__in=_keys("user", value)),
    "full_name_fuzzy": lambda value: Q(name__icontains=_fuzzy(value)),
    "email_address": lambda value: Q(email_key__in=_emails(value)),
    "email_id": lambda value: Q(pk__in=_keys("email", value)) & ~Q(email=""),
    "email_verified": lambda value: _having(Q(email_verified=True) & ~Q(email=""), _boolean(value)),
    "email_address_fuzzy": lambda value: Q(email_key__contains=_fuzzy(value).lower()),
    "phone_number": _phones,
    "phone_id": lambda value: Q(pk__in=_keys("phone-number", value)) & ~Q(mfa_phone_number=""),
    "phone_verified": lambda value: _having(Q(mfa_phone_verified=True), _boolean(value)),
    "phone_number_fuzzy": _phone_fuzzy,
    "totp_id": lambda value: _has_totp(Q(pk__in=_keys("totp", value))),
    "totp_verified": lambda value: _has_totp(_having(Q(state=TOTPRegistration.State.ACTIVE), _boolean(value))),
    "password_exists": lambda value: _having(~Q(password="") | ~Q(user=None), _boolean(value)),
    "oauth_provider": _unused,
    "webauthn_registration_id": _unused,
    "webauthn_registration_verified": _unused_flag,
    "crypto_wallet_id": _unused,
    "crypto_wallet_address": _unused,
    "crypto_wallet_verified": _unused_flag,
}
