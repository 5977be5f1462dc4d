"""Somebody at a browser. What is on a page they find by its role, its name or its address, whatever the language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pyotp
from django.utils import translation

from stytch_totp import errors
from stytch_totp.web import words
from tests.live import Live
from tests.site.people import PASSWORD

if TYPE_CHECKING:  # a run without these tests needs no Playwright
    from playwright.sync_api import ConsoleMessage, Download, Locator, Page, Request, Response

STEP = 30
#: What is looked at wherever a visitor comes by: ``look(visitor, state)``.
Look = Callable[["Visitor", str], None]
FOCUS = """element => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
}"""
FOCUSED = "element => element === document.activeElement"
LONGEST_WAY = 40
REDIRECTS = range(300, 400)
#: What a page says with such a status is meant for its visitor.
REFUSALS = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)


@dataclass
class Person:
    """Who they are, and what their phone and their sheet of paper hold: nothing yet, if ``secret`` is empty."""

    email: str
    organizations: list[str]
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    password: str = PASSWORD


class Visitor:
    """A person at a page. ``looks`` are called at each ``sees``."""

    def __init__(
        self,
        page: "Page",
        live: Live,
        person: Person,
        *,
        language: str = "en",
        scripts: bool = True,
        looks: Sequence[Look] = (),
    ) -> None:
        self.page, self.live, self.person = page, live, person
        self.language, self.scripts, self.looks = language, scripts, looks
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.console: list[ConsoleMessage] = []
        self.failures: list[Any] = []
        # Wrapped, since Playwright leaves a mark on a handler, which a built-in method doesn't take.
        page.on("request", partial(self.requests.append))
        page.on("response", partial(self.responses.append))
        page.on("console", partial(self.console.append))
        page.on("pageerror", partial(self.failures.append))

    # What is there

    def at(self, path: str) -> None:
        assert urlsplit(self.page.url).path == path

    def sees(self, state: str, heading: str = "") -> None:
        """Have a look at the page as it is now. ``heading`` is its English one."""
        if heading:
            assert self.main("h1").inner_text() == self.translated(heading)
        for look in self.looks:
            look(self, state)

    def translated(self, text: str) -> str:
        """A text of the pages in the visitor's language, in which it is another than in English."""
        with translation.override(self.language):
            found = translation.gettext(text)
        assert found != text or self.language == "en", f"{text!r} has no translation"
        return found

    def main(self, selector: str) -> "Locator":
        return self.page.locator(f"main {selector}")

    def link(self, path: str) -> "Locator":
        return self.main(f'a[href^="{path}"]')

    def told(self, error: errors.StytchError) -> None:
        """The page says of the code what ``error`` says to visitors."""
        with translation.override(self.language):
            self.warned(words.say(error, int(self.live.now)))

    def warned(self, text: str) -> None:
        """The field of the code is marked as wrong, described by an announced ``text``, empty and focused."""
        code, alert = self.main("[name=code]"), self.main("[role=alert]")
        assert alert.inner_text() == text
        assert code.get_attribute("aria-invalid") == "true"
        assert alert.get_attribute("id") in (code.get_attribute("aria-describedby") or "").split()
        assert code.input_value() == "" or self.page.url.split("?")[0].endswith("/recover/")
        assert code.evaluate(FOCUSED)

    # What they do

    def fills(self, field: "Locator", text: str) -> None:
        field.fill(text)

    def press(self, control: "Locator") -> None:
        control.click()

    def presses(self, control: "Locator") -> None:
        """Press what leads to another page, or to the same anew."""
        with self.page.expect_navigation():
            self.press(control)

    def goes(self, path: str) -> None:
        self.page.goto(self.live.url + path)

    def fills_in(self, **fields: str) -> None:
        """Fill in the form that has these fields, and send it."""
        for name, text in fields.items():
            self.fills(self.page.locator(f"[name={name}]"), text)
        self.presses(self.page.locator(f"form:has([name={next(iter(fields))}]) :is(button, [type=submit])"))

    def passes(self, seconds: float) -> None:
        """Time does."""
        self.live.set_clock(self.live.now + seconds)

    def app(self, *, steps: int = 0, secret: str = "") -> str:
        """The code that the app shows, or one so many steps away."""
        return pyotp.TOTP(secret or self.person.secret).at(int(self.live.now) + STEP * steps)

    def wrong_code(self) -> str:
        near = {self.app(steps=steps) for steps in range(-20, 21)}
        return next(code for code in map("{:06d}".format, range(1000)) if code not in near)

    def enters(self, code: str) -> None:
        self.fills_in(code=code)

    def verifies(self) -> None:
        """Enter the code of the next step: each is spent once."""
        self.passes(STEP)
        self.enters(self.app())

    def gives_password(self, password: str = "") -> None:
        self.fills_in(username=self.person.email, password=password or self.person.password)

    def logs_in(self, path: str = "/") -> None:
        """Go to a page and give the password on the way."""
        self.goes(path)
        self.at("/accounts/login/")
        self.gives_password()

    def logs_out(self) -> None:
        self.presses(self.page.locator('form[action$="/logout/"] button'))
        self.at("/accounts/login/")

    def scans(self) -> Any:
        """What an authenticator app makes of the QR code as it is on the screen."""
        shown = self.main("img.qr").screenshot()
        image = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_GRAYSCALE)
        text, corners, _ = cv2.QRCodeDetectorAruco().detectAndDecode(image)
        assert corners is not None
        return pyotp.parse_uri(text)

    def sets_up(self) -> None:
        """Scan the code, confirm, and keep the recovery codes."""
        self.at("/mfa/enrol/")
        self.person.secret = self.scans().secret
        self.passes(STEP)
        code = self.app()
        self.enters(f"{code[:3]} {code[3:]}")
        self.at("/mfa/codes/")
        self.person.codes = self.codes()

    def codes(self) -> list[str]:
        return self.main("#codes code").all_inner_texts()

    def downloads(self, link: "Locator") -> str:
        """The text behind a link."""
        with self.page.expect_download() as downloading:
            self.press(link)
        download: Download = downloading.value
        return download.path().read_text()

    # How the pages behaved

    def check_manners(self) -> None:
        """Nothing left the site, failed, or was complained about in the console; nothing of /mfa/ is kept."""
        assert [one.stack for one in self.failures] == []
        assert [one.url for one in self.requests if not one.url.startswith((f"{self.live.url}/", "data:"))] == []
        refused = {one.url for one in self.responses if one.status in REFUSALS and one.request.is_navigation_request()}
        complaints = [one for one in self.console if one.location["url"] not in refused or "status of" not in one.text]
        # Chromium tells so of a visitor who was quicker at a field than the page that would have led them there.
        complaints = [one for one in complaints if not one.text.startswith("Autofocus processing was blocked")]
        assert [one.text for one in complaints] == []
        for response in self.responses:
            assert response.status < HTTPStatus.BAD_REQUEST or response.url in refused, response.url
            is_page = response.status not in REDIRECTS and urlsplit(response.url).path.startswith("/mfa/")
            assert not is_page or "no-store" in response.all_headers()["cache-control"], response.url


class Typist(Visitor):
    """Who has a keyboard alone: Tab leads everywhere, Enter follows links and sends forms, Space presses buttons."""

    def fills(self, field: "Locator", text: str) -> None:
        self.reaches(field)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def press(self, control: "Locator") -> None:
        self.reaches(control)
        self.page.keyboard.press("Enter" if control.evaluate("element => element.matches('a, input')") else "Space")

    def reaches(self, wanted: "Locator") -> None:
        for _ in range(LONGEST_WAY):
            if wanted.evaluate(FOCUSED):
                break
            self.page.keyboard.press("Tab")
        assert wanted.evaluate(FOCUSED), f"Tab doesn't lead to {wanted}"
        is_ours = not urlsplit(self.page.url).path.startswith("/admin/")  # Django's admin marks fields otherwise
        assert not is_ours or wanted.evaluate(FOCUS), f"nobody sees that {wanted} has the focus"
