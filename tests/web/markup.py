"""What a page holds, read as a browser reads it."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

SITE = "http://testserver"


class Page(HTMLParser):
    """A response's elements as ``(tag, attributes)``, and its text."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.source = response.content.decode()
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        found = [attributes for name, attributes in self.elements if name == tag]
        return [one for one in found if all(one.get(name) == value for name, value in wanted.items())]

    def one(self, tag: str, **wanted: str) -> dict[str, str | None]:
        (found,) = self.all(tag, **wanted)
        return found

    def by_id(self, identifier: str) -> str:
        """The tag of the element with this id."""
        (tag,) = [tag for tag, attributes in self.elements if attributes.get("id") == identifier]
        return tag


def leaves(address: str | None, site: str = SITE) -> bool:
    """Whether a browser that follows ``address`` ends up elsewhere: it strips blanks and turns backslashes round."""
    plain = "".join(one for one in (address or "").strip("\x00 \t\r\n\f\x1f") if one not in "\t\r\n")
    target = urlsplit(urljoin(site + "/mfa/verify/", plain.replace("\\", "/")))
    return (target.scheme, target.netloc) != tuple(urlsplit(site)[:2])
