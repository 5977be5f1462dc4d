"""Somebody of the support team, at the admin."""

import json
from typing import TYPE_CHECKING, Any

from tests.live import Live
from tests.site.visitor import FOCUS, Typist, Visitor

if TYPE_CHECKING:  # a run without these tests needs no Playwright
    from playwright.sync_api import Locator

ADMIN = "/admin/stytch_totp"
REASON = "Ticket 4711: called from the number that we know"


def at_desk(live: Live, call: str) -> Any:
    """What a function of desks.py returns: ``at_desk(live, "colleague(chief=True)")``."""
    code = f"import json; from tests.site import desks; print(json.dumps(desks.{call}))"
    return json.loads(live.manage(code=code).splitlines()[-1])


class Clerk(Visitor):
    """Finds members, opens acts, gives reasons."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.refusals: set[str] = set()

    def comes_in(self) -> None:
        """Log in at the admin, which takes a second factor."""
        self.goes("/admin/")
        self.at("/admin/login/")
        self.gives_password()
        self.at("/mfa/verify/")
        self.verifies()
        self.at("/admin/")

    def finds(self, model: str, text: str) -> list[str]:
        """Search a list: what its rows are called, in the order they stand in."""
        self.goes(f"{ADMIN}/{model}/")
        self.fills_in(q=text)
        return self.rows().all_inner_texts()

    def rows(self) -> "Locator":
        return self.main("#result_list tbody th a")

    def opens(self, model: str, text: str) -> None:
        """The page of what the text finds, and it alone."""
        assert len(self.finds(model, text)) == 1
        self.presses(self.rows())

    def lines(self) -> list[str]:
        """The rows as one reads them, a line each."""
        return [" ".join(row.split()) for row in self.main("#result_list tbody tr").all_inner_texts()]

    def facts(self) -> dict[str, str]:
        """What the member page answers at a glance."""
        told = zip(self.main("dl dt").all_inner_texts(), self.main("dl dd").all_inner_texts(), strict=True)
        return dict(told)

    def acts(self) -> list[str]:
        """What the page offers to do."""
        return self.main(".stytch-totp-acts a").all_inner_texts()

    def chooses(self, act: str) -> None:
        self.presses(self.main(".stytch-totp-acts a").get_by_text(act, exact=True))

    def consequences(self) -> list[str]:
        return self.main("#content-main li").all_inner_texts()

    def confirms(self, reason: str = REASON) -> None:
        self.fills_in(reason=reason)

    def hears(self) -> list[str]:
        """What was announced as done."""
        return self.main(".messagelist li").all_inner_texts()

    def sections(self) -> list[str]:
        """What the admin offers of ours, by its front page."""
        return self.main(".app-stytch_totp tbody th").all_inner_texts()

    def kept_out(self, path: str, status: int = 404) -> None:
        """A page that says that it isn't shown."""
        self.goes(path)
        response = next(one for one in reversed(self.responses) if one.request.is_navigation_request())
        assert response.status == status, path
        self.refusals.add(response.url)

    def check_manners(self) -> None:
        """As elsewhere, but for the pages that the clerk was meant to be kept out of."""
        self.responses = [one for one in self.responses if one.url not in self.refusals]
        self.console = [one for one in self.console if one.location["url"] not in self.refusals]
        super().check_manners()


class TypingClerk(Typist, Clerk):
    """The same by keyboard alone."""

    def reaches(self, wanted: "Locator") -> None:
        super().reaches(wanted)
        is_ours = wanted.evaluate("element => element.closest('.stytch-totp-acts, .stytch-totp-act') !== null")
        assert not is_ours or wanted.evaluate(FOCUS), f"nobody sees that {wanted} has the focus"
