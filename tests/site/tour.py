"""Past every page of ours in the admin, in each of its states."""

from tests.site.clerk import ADMIN, Clerk, at_desk

#: The pages of single rows, by what a busy day at the desk calls the row.
PAGES = {
    "organization": ("organization", "organization"),
    "member, enrolled": ("member", "grace"),
    "member, locked": ("member", "linus"),
    "member, about to enrol": ("member", "barbara"),
    "member, not enrolled": ("member", "alan"),
    "session": ("session", "session"),
    "event": ("auditevent", "event"),
    "request": ("supportrequest", "waiting"),
    "request, declined": ("supportrequest", "declined"),
    "request, out of date": ("supportrequest", "out of date"),
}
ACTS = {
    "unlock": ("member", "linus", "unlock"),
    "reset MFA": ("member", "grace", "reset_mfa"),
    "revoke sessions": ("member", "grace", "revoke_sessions"),
    "require enrolment": ("member", "alan", "require_enrolment"),
    "require MFA": ("organization", "organization", "require_mfa"),
    "approve": ("supportrequest", "waiting", "approve"),
    "decline": ("supportrequest", "waiting", "decline"),
}


def tour(chief: Clerk, *, long: bool = False) -> None:
    """A superuser looks at everything. ``long`` are the names of all."""
    email = chief.person.email
    at_desk(chief.live, f"many_sessions({email!r})")
    day = at_desk(chief.live, f"busy_day({email!r}, long={long})")
    chief.comes_in()
    chief.sees("front page")
    look_at_lists(chief)
    look_at_rows(chief, day)
    look_at_acts(chief, day)
    look_at_limits(chief, email)


def look_at_lists(chief: Clerk) -> None:
    for model in ("organization", "member", "session", "auditevent", "supportrequest", "stafflimit"):
        chief.goes(f"{ADMIN}/{model}/")
        chief.sees(f"list, {model}")
    assert chief.finds("member", "nobody of that name") == []
    chief.sees("list, nothing found")
    chief.goes(f"{ADMIN}/member/?lock=locked&mfa=active")
    chief.sees("list, filtered")


def look_at_rows(chief: Clerk, day: dict[str, str]) -> None:
    for state, (model, row) in PAGES.items():
        chief.goes(f"{ADMIN}/{model}/{day[row]}/change/")
        chief.sees(state)


def look_at_acts(chief: Clerk, day: dict[str, str]) -> None:
    for state, (model, row, act) in ACTS.items():
        chief.goes(f"{ADMIN}/{model}/{day[row]}/{act}/")
        chief.sees(f"act, {state}")
    chief.goes(f"{ADMIN}/organization/{day['organization']}/require_mfa/")
    for named in chief.main("summary").all():
        chief.press(named)
    chief.sees("act, require MFA, with names")
    chief.goes(f"{ADMIN}/member/{day['linus']}/unlock/")
    chief.confirms("a" + 9 * " " + "b")
    chief.sees("act, without a reason")
    chief.confirms()
    chief.sees("member, after an act")
    chief.goes(f"{ADMIN}/supportrequest/{day['own']}/approve/")
    chief.confirms()
    chief.sees("act, refused")
    chief.kept_out(f"{ADMIN}/member/{day['organization']}/unlock/")
    chief.sees("act, of nobody")


def look_at_limits(chief: Clerk, email: str) -> None:
    chief.goes(f"{ADMIN}/stafflimit/add/")
    chief.sees("limit, new")
    save = chief.main("[name=_save]")
    chief.presses(save)
    chief.sees("limit, refused")
    chief.fills(chief.main("[name=user]"), at_desk(chief.live, f"user_of({email!r})"))
    chief.presses(save)
    chief.sees("limits, after one was set")
    chief.presses(chief.rows().get_by_text(email))
    chief.sees("limit")
    chief.presses(chief.main("a.deletelink"))
    chief.sees("limit, about to be removed")
