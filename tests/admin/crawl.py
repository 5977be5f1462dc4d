"""Every page of ours in the admin, as somebody gets there by links and by guessing."""

import re
from collections import Counter
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.urls import reverse

from stytch_totp.models import AuditEvent, Member, Organization, Session, StaffLimit, SupportRequest
from tests.admin.desk import ACTS
from tests.web.visitors import Visitor

MODELS: dict[str, Any] = {
    "member": Member,
    "organization": Organization,
    "session": Session,
    "auditevent": AuditEvent,
    "supportrequest": SupportRequest,
    "stafflimit": StaffLimit,
}
FILTERS = {
    "member": ["mfa=active", "mfa=pending", "mfa=none", "mfa=x", "lock=locked", "policy=OPTIONAL"],
    "organization": ["policy=OPTIONAL", "policy=REQUIRED_FOR_ALL"],
    "session": ["live=yes"],
    "auditevent": ["tag=member:totp:migrated", "tag=x"],
    "supportrequest": [],
    "stafflimit": [],
}
#: What lists take from anybody's address line.
QUERIES = ["o=1", "o=-2.3", "p=1", "p=99", "p=x", "all=", "e=1", "_popup=1", "_to_field=id", "_popup=1&_to_field=id"]
QUERIES += ["_facets=True", "q=%00", "q=%25", "q=" + "x" * 2000, "nonsense=1"]
MOST_QUERIES = 10
_LINK = re.compile(r'(?:href|action)="([^"#]*)')


@dataclass
class Crawl:
    """What a visitor was answered, page by page."""

    visitor: Visitor
    pages: dict[str, int] = field(default_factory=dict)
    size: int = 0
    #: What must be nowhere, and where it was found all the same.
    canaries: tuple[bytes, ...] = ()
    hits: list[tuple[str, bytes]] = field(default_factory=list)

    def get(self, url: str) -> str:
        answer = self.visitor.get(url)
        body = answer.content if not answer.streaming else b""
        said = body + repr(sorted(answer.headers.items())).encode()
        self.pages[url] = answer.status_code
        self.size += len(said)
        self.hits += [(url, one) for one in self.canaries if one in said]
        return body.decode()

    def follow(self, *starts: str) -> None:
        """``starts`` and all links from there on below the admin's part of ours.

        Lists link to every combination of their filters: of one path no more than MOST_QUERIES are followed.
        """
        waiting, queries = list(dict.fromkeys(starts)), Counter[str]()
        while waiting:
            page = self.get(url := waiting.pop())
            for link in _LINK.findall(page):
                found = urljoin(url, unescape(link))
                path = urlsplit(found).path
                known = found in self.pages or found in waiting
                if _is_ours(found) and not known and queries[path] < MOST_QUERIES:
                    queries[path] += 1
                    waiting.append(found)

    @property
    def megabytes(self) -> float:
        return round(self.size / 1_000_000, 2)


def _is_ours(url: str) -> bool:
    return urlsplit(url).netloc == "" and urlsplit(url).path.startswith("/admin/stytch_totp/")


def guessed() -> list[str]:
    """Addresses that no link leads to, or not for everybody."""
    found = ["/admin/", "/admin/stytch_totp/", "/admin/stytch_totp/nothing/", "/admin/jsi18n/"]
    for model, kind in MODELS.items():
        base = reverse(f"admin:stytch_totp_{model}_changelist")
        found += [base, f"{base}add/", f"{base}nonsense/change/", f"{base}nonsense/", f"{base}nonsense/history/"]
        found += [f"{base}?{query}" for query in (*QUERIES, *FILTERS[model])]
        for row in kind.objects.order_by("pk")[:15]:
            found += [f"{base}{row.pk}/{page}/" for page in ("change", "history", "delete")]
            found += [f"{base}{row.pk}/", f"{base}{row.pk}/change/?_popup=1&_to_field=id"]
            found += [f"{base}?q={name}" for name in names_of(row)]
    found += [f"/admin/stytch_totp/member/{row.pk}/{act}/" for row in Member.objects.all() for act in ACTS]
    found += [f"/admin/stytch_totp/organization/{row.pk}/require_mfa/" for row in Organization.objects.all()]
    for row in SupportRequest.objects.all():
        found += [f"/admin/stytch_totp/supportrequest/{row.pk}/{decision}/" for decision in ("approve", "decline")]
    return [*found, *autocompletes()]


def names_of(row: Any) -> list[str]:
    """By what a row could be searched."""
    named = [str(row.pk), getattr(row, "email", ""), getattr(row, "slug", ""), getattr(row, "tag", "")]
    return [name for name in named if name]


def autocompletes(term: str = "") -> list[str]:
    fields = ("organizations", "user", "member", "organization", "asked_by", "sealed_token")
    return [
        f"/admin/autocomplete/?app_label=stytch_totp&model_name={model}&field_name={name}&term={term}"
        for model in MODELS
        for name in fields
    ]
