"""How people log in, enrol and verify at a page, and what they have then shown."""

from typing import Any

from tests.contract.situations import PASSWORD, Person, User, new_organization, new_person
from tests.e2e.browser import Page


def log_in(page: Page, who: Person | User) -> dict[str, Any]:
    """Give e-mail address and password; what the SDK returned."""
    if isinstance(who, User):
        return page.passwords.authenticate(email=who.email, password=PASSWORD, session_duration_minutes=60)
    login = {"organization_id": who.organization_id, "email_address": who.email, "password": PASSWORD}
    return page.passwords.authenticate(**login, session_duration_minutes=60)


def verify(page: Page, who: Person | User, code: str = "") -> dict[str, Any]:
    """Give the code that the app shows, or another one."""
    code = code or who.code()
    if isinstance(who, User):
        return page.totps.authenticate(totp_code=code, session_duration_minutes=60)
    return page.totp.authenticate(**who.ids, code=code, session_duration_minutes=60)


def enrol(page: Page, who: Person | User) -> dict[str, Any]:
    """Create a TOTP and give its first code; what the creation returned."""
    made = page.totps.create(expiration_minutes=60) if isinstance(who, User) else page.totp.create(**who.ids)
    who.secret = made["secret"]
    verify(page, who)
    return made


def factors(answer: dict[str, Any]) -> list[str]:
    """The types of the factors on the session that a call returned, in order."""
    session = answer.get("member_session") or answer["session"]
    return [factor["type"] for factor in session["authentication_factors"]]


def elsewhere(person: Person, **fields: Any) -> Person:
    """The same person, by e-mail address and password, as a member of one more organization."""
    return new_person(person.sdk, person.clock, new_organization(person.sdk, **fields), email=person.email)
