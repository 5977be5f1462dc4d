"""Somebody at ``/spa/``: the single page, its views one after the other at one address, by keyboard alone."""

import re
from base64 import b64encode
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tests.live import PUBLIC_TOKEN
from tests.site.visitor import FOCUSED, Typist

if TYPE_CHECKING:  # a run without these tests needs no Playwright
    from playwright.sync_api import Locator

API = "/sdk/v1/b2b"
COOKIE = {"name": "ordinary", "value": "pages", "httpOnly": True}
KEPT = "[document.cookie, localStorage.length, sessionStorage.length]"


class SinglePage(Typist):
    @property
    def slug(self) -> str:
        """The short name of the person's organization, as a login by discovery tells it."""
        credentials = b64encode(f"{PUBLIC_TOKEN}:{PUBLIC_TOKEN}".encode()).decode()
        answer = self.page.request.post(
            f"{self.live.url}{API}/passwords/discovery/authenticate",
            data={"email_address": self.person.email, "password": self.person.password},
            headers={"Authorization": f"Basic {credentials}", "Origin": self.live.url},
        )
        return answer.json()["data"]["discovered_organizations"][0]["organization"]["organization_slug"]

    def sees(self, state: str, heading: str = "") -> None:
        """The view has come, with its title, and the focus has gone along."""
        self.waits_for(self.main("h1"), self.translated(heading))
        assert self.page.title() == f"{self.translated(heading)} – Harbor"
        if state != "log in":  # as it opens
            assert self.page.evaluate("document.querySelector('#view').contains(document.activeElement)"), state
        super().sees(state, heading)

    def presses(self, control: "Locator") -> None:
        """Nothing here leads to another page."""
        self.press(control)

    def waits_for(self, place: "Locator", text: str | re.Pattern[str]) -> None:
        from playwright.sync_api import expect

        expect(place).to_have_text(text)

    def hears(self, text: str) -> None:
        """A status that is announced. ``text`` is its English one."""
        self.waits_for(self.page.locator("#status[role=status]"), self.translated(text))

    def warned(self, text: str | re.Pattern[str], *, wrong: bool = True) -> None:
        """The field is described by an announced ``text``, focused, ready to be typed over, and marked if ``wrong``."""
        alert, field = self.main("[role=alert]"), self.main("form input").last
        self.waits_for(alert, self.translated(text) if isinstance(text, str) else text)
        assert field.get_attribute("aria-invalid") == str(wrong).lower()
        assert alert.get_attribute("id") in (field.get_attribute("aria-describedby") or "").split()
        assert field.evaluate(FOCUSED)
        assert field.evaluate("({ value, selectionEnd }) => selectionEnd === value.length")

    def locked_until(self, seconds: float) -> re.Pattern[str]:
        """What a visitor is told of a lock that ends so many seconds from now, whatever a month is called."""
        end = datetime.fromtimestamp(self.live.now + seconds, timezone.utc)
        return re.compile(rf"Too many .* again after \w+ {end.day}, {end.year}, {end:%-I:%M}\W{end:%p}\.")

    def logs_in(self, path: str = "") -> None:
        self.fills_in(organization=self.slug, email=self.person.email, password=self.person.password)

    def logs_out(self) -> None:
        self.chooses("Log out")
        self.sees("logged out", "Log in")
        self.hears("You are logged out.")

    def chooses(self, name: str) -> None:
        self.presses(self.page.get_by_role("button", name=self.translated(name), exact=True))

    def copies(self, name: str) -> str:
        self.chooses(name)
        self.waits_for(self.main(".actions [role=status]").first, self.translated("Copied"))
        return self.page.evaluate("navigator.clipboard.readText()")

    def sets_up(self) -> None:
        self.sees("set up", "Set up your authenticator app")
        self.person.secret = self.scans().secret
        self.verifies()
        self.sees("recovery codes, new", "Recovery codes")
        self.person.codes = self.codes()
        self.goes_on()

    def goes_on(self) -> None:
        self.chooses("I have saved them: go on")
        self.sees("account", "You are logged in")

    def codes(self) -> list[str]:
        return self.main("#recovery-codes code").all_inner_texts()

    def factors(self) -> list[str]:
        """What the session has shown, as the page tells it."""
        return self.main("dd li span").all_inner_texts()

    def calls(self, path: str) -> int:
        """How often the page called."""
        return len([one for one in self.requests if one.url == f"{self.live.url}{API}/{path}"])

    def check_manners(self) -> None:
        """As elsewhere, but what the API refuses stands in the console. No cookie is sent, and nothing kept."""
        api = f"{self.live.url}{API}/"
        assert [one.stack for one in self.failures] == []
        assert [one.url for one in self.requests if not one.url.startswith((f"{self.live.url}/", "data:"))] == []
        complaints = [one for one in self.console if not one.location["url"].startswith(api)]
        complaints += [one for one in self.console if not one.text.startswith("Failed to load resource")]
        assert [one.text for one in complaints] == []
        for response in self.responses:
            if response.url.startswith(api):
                assert "no-store" in response.all_headers()["cache-control"], response.url
                assert "cookie" not in response.request.all_headers(), response.url
        assert self.page.evaluate(KEPT) == ["", 0, 0]
        assert {one["name"] for one in self.page.context.cookies()} <= {COOKIE["name"]}
