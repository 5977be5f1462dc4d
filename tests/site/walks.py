"""The ways that people go through the site. Each comes past the states of its pages and says what it ``sees`` there.

Between them they see every page in every state; who walks them, and what is looked at, is for the tests to say.
"""

import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass

from stytch_totp import errors
from stytch_totp.core.totp import ISSUER_CHARACTERS
from tests.site.visitor import FOCUSED, STEP, Visitor

WALKS: dict[str, "Walk"] = {}
SET_UP, VERIFY, RECOVER = "Set up your authenticator app", "Enter your code", "Use a recovery code"
CODES, MANAGE, REMOVE, CHOOSE = (
    "Recovery codes",
    "Second factor",
    "Remove the authenticator app",
    "Choose an organization",
)
SETTINGS, PASSWORD_CHANGE = "Settings", "Change your password"
NEW_PASSWORD = "a new one is not the old one"
MINUTE, HOUR = 60, 60 * 60


@dataclass(frozen=True)
class Walk:
    """``kind``: who goes there (people.py). ``strict``: to the site that shows recovery codes once."""

    go: Callable[[Visitor], None]
    kind: str
    strict: bool


def walk(kind: str, *, strict: bool = False) -> Callable[[Callable[[Visitor], None]], Callable[[Visitor], None]]:
    def note(go: Callable[[Visitor], None]) -> Callable[[Visitor], None]:
        WALKS[go.__name__.replace("_", " ")] = Walk(go, kind, strict)
        return go

    return note


@walk("newcomer")
def a_newcomer_must_set_up_an_app(visitor: Visitor) -> None:
    visitor.goes("/")
    visitor.at("/accounts/login/")
    visitor.sees("log in", "Log in")
    visitor.gives_password("a wrong one")
    visitor.sees("log in, wrong password", "Log in")
    visitor.gives_password()
    for elsewhere in ("/settings/", "/mfa/"):
        visitor.at("/mfa/enrol/")
        visitor.goes(elsewhere)
    visitor.at("/mfa/enrol/")
    visitor.sees("set up", SET_UP)
    app = visitor.scans()
    assert app.secret == visitor.main("#secret").inner_text().replace(" ", "")
    issuer = f"Example ({visitor.person.organizations[0]})"[:ISSUER_CHARACTERS]
    assert visitor.main("dd").all_inner_texts() == [issuer, visitor.person.email] == [app.issuer, app.name]
    visitor.person.secret = app.secret
    visitor.enters("12 34")
    visitor.warned(visitor.translated("A code has six digits and nothing else."))
    visitor.sees("set up, no code", SET_UP)
    visitor.enters(visitor.wrong_code())
    visitor.told(errors.UnableToAuthenticateTOTP())
    visitor.sees("set up, wrong code", SET_UP)
    code = visitor.app()
    visitor.enters(f"{code[:3]} {code[3:]}")
    visitor.at("/mfa/codes/")
    visitor.sees("recovery codes, new", CODES)
    codes = visitor.codes()
    assert len(set(codes)) == 10
    assert visitor.downloads(visitor.link("/mfa/codes/download/")).split("\n") == [issuer, *codes, ""]
    visitor.presses(visitor.main(".button:not(.secondary)"))
    visitor.at("/mfa/")
    visitor.sees("second factor", MANAGE)
    visitor.logs_out()


@walk("newcomer")
def a_newcomer_takes_too_long(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.at("/mfa/enrol/")
    visitor.person.secret = visitor.scans().secret
    visitor.passes(2 * HOUR)
    visitor.enters(visitor.app())
    visitor.told(errors.ExpiredTOTP())
    visitor.sees("set up, too late", SET_UP)
    visitor.presses(visitor.link("/mfa/enrol/"))
    visitor.sees("log in again", "Log in again")
    visitor.presses(visitor.main("button"))
    visitor.at("/accounts/login/")
    visitor.gives_password()
    visitor.sets_up()
    visitor.presses(visitor.main(".button:not(.secondary)"))
    visitor.at("/")


@walk("enrolled")
def somebody_comes_back(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.at("/mfa/verify/")
    visitor.sees("verify", VERIFY)
    field = visitor.main("[name=code]")
    assert field.evaluate(FOCUSED)
    assert [field.get_attribute(name) for name in ("autocomplete", "inputmode")] == ["one-time-code", "numeric"]
    visitor.enters("letters")
    visitor.warned(visitor.translated("A code has six digits and nothing else."))
    visitor.enters(visitor.wrong_code())
    visitor.told(errors.UnableToAuthenticateTOTP())
    visitor.sees("verify, wrong code", VERIFY)
    visitor.enters(visitor.app(steps=5))
    visitor.told(errors.AuthenticatorClockOff())
    visitor.sees("verify, clock off", VERIFY)
    visitor.verifies()
    visitor.at("/")
    assert visitor.main("h1").inner_text() == visitor.person.organizations[0]
    visitor.sees("team")
    visitor.logs_out()
    visitor.logs_in("/mfa/")
    visitor.enters(visitor.app())
    visitor.told(errors.TOTPCodeAlreadyAuthenticated())
    visitor.sees("verify, code used already", VERIFY)
    visitor.verifies()
    visitor.at("/mfa/")


@walk("enrolled")
def somebody_lost_the_phone(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.presses(visitor.link("/mfa/recover/"))
    visitor.sees("recover", RECOVER)
    visitor.enters("nothing like it")
    visitor.told(errors.InvalidRecoveryCode())
    visitor.sees("recover, no code", RECOVER)
    visitor.enters(visitor.app())
    visitor.told(errors.TOTPCodeUsedAsRecoveryCode())
    visitor.enters("ckss-2skx-ebow")
    visitor.told(errors.UnableToAuthenticateRecoveryCode())
    visitor.sees("recover, wrong code", RECOVER)
    visitor.enters(visitor.person.codes.pop().upper().replace("-", " "))
    visitor.at("/")
    visitor.goes("/mfa/codes/")
    visitor.at("/mfa/verify/")  # one of ten codes doesn't show the other nine
    visitor.goes("/mfa/")
    assert visitor.main("dd").last.inner_text() == "9"
    visitor.presses(visitor.link("/mfa/remove/"))
    visitor.presses(visitor.main("button.danger"))
    left = visitor.person.codes
    visitor.sets_up()
    assert not set(visitor.codes()) & set(left)


@walk("short of codes")
def somebody_runs_out_of_codes(visitor: Visitor) -> None:
    visitor.logs_in("/mfa/")
    visitor.verifies()
    assert visitor.main(".alert").is_visible()
    visitor.sees("second factor, few codes", MANAGE)
    visitor.logs_out()
    visitor.logs_in("/mfa/")
    visitor.presses(visitor.link("/mfa/recover/"))
    visitor.enters(visitor.person.codes.pop())
    visitor.at("/mfa/")
    visitor.presses(visitor.link("/mfa/codes/"))
    visitor.at("/mfa/verify/")
    visitor.verifies()
    visitor.at("/mfa/codes/")
    assert visitor.codes() == []
    visitor.sees("recovery codes, all used", CODES)
    visitor.presses(visitor.main("details button"))
    assert len(visitor.codes()) == 10


@walk("newcomer", strict=True)
def a_newcomer_sees_the_codes_once(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.person.secret = visitor.scans().secret
    visitor.enters(visitor.app())
    assert len(visitor.codes()) == 10
    assert visitor.link("/mfa/codes/download/").count() == 0
    visitor.sees("recovery codes, shown once", CODES)
    visitor.presses(visitor.main(".button:not(.secondary)"))
    visitor.at("/")
    visitor.goes("/mfa/codes/")
    assert visitor.codes() == []
    visitor.sees("recovery codes, not shown again", CODES)
    visitor.presses(visitor.main("details button"))
    assert len(visitor.codes()) == 10


@walk("enrolled")
def somebody_changes_phones(visitor: Visitor) -> None:
    visitor.logs_in("/mfa/")
    visitor.verifies()
    visitor.presses(visitor.link("/mfa/codes/"))
    shown = visitor.codes()
    visitor.sees("recovery codes", CODES)
    assert shown == visitor.person.codes
    visitor.press(visitor.main("summary"))
    visitor.sees("recovery codes, about to be replaced", CODES)
    visitor.presses(visitor.main("details button"))
    visitor.sees("recovery codes, replaced", CODES)
    assert not set(visitor.codes()) & set(shown)
    visitor.presses(visitor.main(".button:not(.secondary)"))
    visitor.passes(11 * MINUTE)
    visitor.presses(visitor.link("/mfa/remove/"))
    visitor.at("/mfa/verify/")
    visitor.sees("verify, once more", VERIFY)
    visitor.verifies()
    visitor.at("/mfa/remove/")
    visitor.sees("remove", REMOVE)
    visitor.presses(visitor.link("/mfa/"))
    visitor.at("/mfa/")
    visitor.presses(visitor.link("/mfa/remove/"))
    visitor.presses(visitor.main("button.danger"))
    visitor.at("/mfa/enrol/")  # the password was given eleven minutes ago
    visitor.sees("log in again, after removal", "Log in again")
    visitor.presses(visitor.main("button"))
    old = visitor.person.secret
    visitor.gives_password()
    visitor.sets_up()
    visitor.logs_out()
    visitor.logs_in()
    visitor.passes(STEP)
    visitor.enters(visitor.app(secret=old))
    visitor.told(errors.UnableToAuthenticateTOTP())
    visitor.verifies()
    visitor.at("/")


@walk("enrolled")
def somebody_changes_address_and_password(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.verifies()
    visitor.goes("/settings/")
    visitor.at("/settings/")
    visitor.passes(5 * MINUTE + 1)
    visitor.goes("/settings/")
    visitor.at("/mfa/verify/")
    visitor.verifies()
    visitor.at("/settings/")
    visitor.sees("settings", SETTINGS)
    visitor.goes("/")
    colleague = next(one for one in visitor.main(".team li").all_inner_texts() if one != visitor.person.email)
    visitor.goes("/settings/")
    visitor.fills_in(email=colleague)
    assert visitor.page.locator("[name=email]").get_attribute("aria-invalid") == "true"
    visitor.sees("settings, refused", SETTINGS)
    visitor.fills_in(email=f"new.{visitor.person.email}")
    visitor.at("/settings/")
    assert visitor.main("[role=status]").inner_text() == visitor.translated("Your e-mail address was changed.")
    visitor.sees("settings, saved", SETTINGS)
    visitor.presses(visitor.link("/accounts/password_change/"))
    visitor.sees("change the password", PASSWORD_CHANGE)
    again = {"new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    visitor.fills_in(old_password="a wrong one", **again)
    visitor.sees("change the password, refused", PASSWORD_CHANGE)
    visitor.fills_in(old_password=visitor.person.password, **again)
    visitor.at("/mfa/verify/")  # what was shown beside the old password counts no more
    visitor.verifies()
    visitor.at("/accounts/password_change/done/")
    visitor.sees("password changed", "Your password was changed")
    visitor.person.password = NEW_PASSWORD
    visitor.logs_out()
    visitor.logs_in()
    visitor.verifies()
    visitor.at("/")
    assert f"new.{visitor.person.email}" in visitor.main(".team li").all_inner_texts()


@walk("enrolled")
def somebody_forgot_the_password(visitor: Visitor) -> None:
    visitor.goes("/accounts/login/")
    visitor.presses(visitor.link("/accounts/password_reset/"))
    visitor.sees("reset the password", "Reset your password")
    visitor.fills_in(email=visitor.person.email)
    visitor.at("/accounts/password_reset/done/")
    visitor.sees("reset the password, sent", "Look into your mailbox")
    letter = visitor.live.log.rpartition(f"To: {visitor.person.email}")[2]
    link = re.search(rb"/accounts/reset/\S+", quopri.decodestring(letter))[0].decode()
    visitor.goes(link)
    visitor.sees("choose a password", "Choose a new password")
    visitor.fills_in(new_password1="short", new_password2="short")
    visitor.sees("choose a password, refused", "Choose a new password")
    visitor.fills_in(new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
    visitor.at("/accounts/reset/done/")
    visitor.sees("password set", "Your password was set")
    visitor.goes(link)
    visitor.sees("choose a password, link used", "Choose a new password")
    visitor.person.password = NEW_PASSWORD
    visitor.logs_in()
    visitor.at("/mfa/verify/")
    visitor.verifies()
    visitor.at("/")


@walk("unasked")
def nobody_is_asked_who_need_not(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.at("/")
    visitor.sees("team, unasked")
    visitor.goes("/mfa/")
    visitor.sees("second factor, none", MANAGE)
    visitor.presses(visitor.link("/mfa/enrol/"))
    visitor.sees("set up, of one's own accord", SET_UP)
    visitor.sets_up()
    visitor.logs_out()
    visitor.logs_in("/mfa/remove/")
    visitor.at("/mfa/verify/")
    visitor.verifies()
    visitor.at("/mfa/remove/")
    visitor.sees("remove, and have none", REMOVE)
    visitor.presses(visitor.main("button.danger"))
    visitor.at("/mfa/")
    visitor.logs_out()
    visitor.logs_in()
    visitor.at("/")


@walk("of two")
def somebody_belongs_to_two_organizations(visitor: Visitor) -> None:
    optional, required = visitor.person.organizations
    visitor.logs_in()
    visitor.at("/mfa/organizations/")
    visitor.sees("choose an organization", CHOOSE)
    visitor.presses(visitor.main("button").filter(has_text=optional))
    visitor.at("/")
    assert visitor.main("h1").inner_text() == optional
    visitor.goes("/mfa/")
    visitor.sees("second factor, of several organizations", MANAGE)
    visitor.presses(visitor.page.locator('footer a[href="/mfa/organizations/"]'))
    assert visitor.main("[aria-current]").inner_text() == optional
    visitor.sees("switch organizations", CHOOSE)
    visitor.presses(visitor.main("button").filter(has_text=required))
    visitor.sets_up()
    visitor.goes("/")
    assert visitor.main("h1").inner_text() == required
    visitor.goes("/mfa/organizations/")
    visitor.presses(visitor.main("button").filter(has_text=optional))
    visitor.at("/mfa/")
    assert visitor.link("/mfa/enrol/").count() == 1


@walk("enrolled")
def somebody_guesses(visitor: Visitor) -> None:
    visitor.logs_in()
    for _ in range(9):
        visitor.enters(visitor.wrong_code())
        visitor.told(errors.UnableToAuthenticateTOTP())
    visitor.enters(visitor.wrong_code())
    visitor.enters(visitor.wrong_code())
    visitor.told(errors.Locked(retry_after=HOUR))
    visitor.sees("verify, just locked", VERIFY)
    until = visitor.main("[role=alert]").inner_text()
    visitor.goes("/mfa/verify/")
    assert visitor.main("[role=alert]").inner_text() == until
    visitor.sees("verify, locked", VERIFY)
    visitor.presses(visitor.link("/mfa/recover/"))
    assert visitor.main("[role=alert]").count() == 0
    visitor.goes("/mfa/verify/")
    visitor.passes(HOUR)
    visitor.enters(visitor.app())
    visitor.at("/mfa/")


@walk("restricted")
def somebody_may_use_no_app(visitor: Visitor) -> None:
    visitor.logs_in()
    visitor.at("/mfa/enrol/")
    assert visitor.main("[role=alert]").is_visible()
    visitor.sees("refused", "This can't be done")


@walk("staff")
def somebody_administers(visitor: Visitor) -> None:
    visitor.goes("/admin/")
    visitor.at("/admin/login/")
    visitor.gives_password()
    visitor.sets_up()
    visitor.presses(visitor.main(".button:not(.secondary)"))
    visitor.at("/admin/")
    visitor.goes("/")
    visitor.sees("team, of an administrator")
    visitor.logs_out()
    visitor.goes("/admin/")
    visitor.gives_password()
    visitor.at("/mfa/verify/")
    visitor.verifies()
    visitor.at("/admin/")
