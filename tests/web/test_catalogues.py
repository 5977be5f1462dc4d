"""German and Spanish: all that visitors read is marked and translated, and the catalogues hold nothing else."""

import ast
import re
from collections.abc import Iterable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

import example_project
import stytch_totp
from stytch_totp import errors
from stytch_totp.conf import conf
from stytch_totp.models import Member, Organization, RecoveryCode
from stytch_totp.operations import enrolment
from stytch_totp.web import urls, words
from tests.clock import CLOCK
from tests.factories import code_of, wrong_code
from tests.web import visitors
from tests.web.visitors import HTML, Visitor

ROOTS = {one.__name__: Path(one.__file__).parent for one in (stytch_totp, example_project)}
LANGUAGES = ("de", "es")
#: The arguments of each function that marks a text: its context, the text, its plural.
ARGUMENTS = {"_": "t", "gettext": "t", "pgettext": "ct", "ngettext": "tp", "npgettext": "ctp"}
PLACEHOLDER = re.compile(r"%\(\w+\)[ds]")
#: What is the same in every language, and how a text ends.
UNTRANSLATABLE = re.compile(r"%%|%\(\w+\)[ds]|\{\w+\}|</?\w[^>]*>|\b[a-z0-9]{4}(?:-[a-z0-9]{4}){2}\b|[.:?]$")
#: A call in what templatize() makes of a template, where all that isn't one is crossed out.
CALL = re.compile(r"""\b(?:_|n?p?gettext)\((?:[^'")]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*\)""")
#: Codes, secrets and tags are no language.
UNSPOKEN = re.compile(r"<!doctype html>|<code.*?</code>", re.DOTALL)
SPOKEN_ATTRIBUTE = re.compile(r'\b(?:alt|aria-label|data-done|placeholder|title)="([^"]*)"')
#: What is read in the admin, by staff: no page of these visitors.
ADMIN = "admin"

each_catalogue = pytest.mark.parametrize(
    ("root", "language"), [(root, language) for root in ROOTS for language in LANGUAGES]
)
each_language = pytest.mark.parametrize("language", LANGUAGES)
Message = tuple[str | None, str, str | None]


def catalogue(root: str, language: str, suffix: str = "po") -> Any:
    path = str(ROOTS[root] / "locale" / language / "LC_MESSAGES" / f"django.{suffix}")
    return polib.pofile(path) if suffix == "po" else polib.mofile(path)


def message(entry: polib.POEntry) -> Message:
    return entry.msgctxt, entry.msgid, entry.msgid_plural or None


def sources(root: Path) -> Iterator[Path]:
    """Modules, pages and mails: wherever a text may be marked."""
    for suffix in ("py", "html", "txt"):
        yield from root.rglob(f"*.{suffix}")


def marked(paths: Iterable[Path]) -> set[Message]:
    """Every text in the files that is marked for translation."""
    texts = {path: path.read_text() for path in paths}
    code = [text if path.suffix == ".py" else "\n".join(CALL.findall(templatize(text))) for path, text in texts.items()]
    return {found for source in code for found in calls(ast.parse(source))}


def is_for_visitors(path: Path) -> bool:
    """Rows are called by their names in the admin alone."""
    return not {ADMIN, "models"} & set(path.parts)


def calls(tree: ast.AST) -> Iterator[Message]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kinds = ARGUMENTS.get(node.func.id.removesuffix("_lazy"), "")
            given = {kind: ast.literal_eval(argument) for kind, argument in zip(kinds, node.args, strict=False)}
            if given:
                yield given.get("c"), given["t"], given.get("p")


@each_catalogue
def test_every_marked_text_is_in_the_catalogue_and_nothing_else(root, language):
    assert {message(entry) for entry in catalogue(root, language)} == marked(sources(ROOTS[root]))


@each_catalogue
def test_every_entry_is_translated_and_keeps_what_is_no_language(root, language):
    def is_good(entry: polib.POEntry) -> bool:
        kept = [sorted(UNTRANSLATABLE.findall(text)) for text in entry.msgstr_plural.values() or [entry.msgstr]]
        return entry.translated() and all(one == sorted(UNTRANSLATABLE.findall(entry.msgid)) for one in kept)

    assert [entry.msgid for entry in catalogue(root, language) if not is_good(entry)] == []


@each_catalogue
def test_what_django_loads_says_what_translators_wrote(root, language):
    written, loaded = catalogue(root, language), catalogue(root, language, "mo")
    assert loaded.metadata == written.metadata
    assert {message(entry): (entry.msgstr, entry.msgstr_plural) for entry in loaded} == {
        message(entry): (entry.msgstr, entry.msgstr_plural) for entry in written
    }


@each_language
def test_every_refusal_is_said_in_the_language_of_the_visitor(language):
    refusals = [kind() for kind in (*words._WORDS, errors.Locked, errors.StytchError)]
    said = {}
    for one in ("en", language):
        with translation.override(one):
            said[one] = {words.say(refusal, int(CLOCK())) for refusal in refusals}
    assert len(said["en"]) == len(said[language]) == len(refusals)
    assert said["en"] & said[language] == set()


# Pages


def situations(acme: Organization, globex: Organization, configure: Any) -> Iterator[tuple[Any, ...]]:
    """Who asks for which page, and what they send: every page of the site, with each remark that it may make."""
    for path in ("login/", "password_reset/", "password_reset/done/", "reset/x/y/", "reset/done/"):
        yield Visitor(), f"/accounts/{path}"
    yield Visitor(), "/spa/"

    newcomer = visitors.not_enrolled(globex)
    for path in ("/", "/mfa/", "/mfa/enrol/", "/mfa/log-in-again/"):
        yield newcomer, path
    for code in ("", "abc"):
        yield newcomer, "/mfa/enrol/", {"code": code}
    yield visitors.not_enrolled(acme), "/mfa/enrol/"
    CLOCK.advance(conf().enrolment_minutes * 60 + 1)
    yield newcomer, "/mfa/enrol/"

    owner = visitors.password_only(acme)
    yield owner, "/mfa/verify/"
    for code in ("", "abc", code_of(owner.secret, steps=10), *[wrong_code(owner.secret)] * 2):
        yield owner, "/mfa/verify/", {"code": code}
    yield owner, "/mfa/verify/"  # locked by now
    yield owner, "/mfa/recover/"
    for code in ("", "nonsense", "aaaa-aaaa-aaaa", code_of(owner.secret)):
        yield owner, "/mfa/recover/", {"code": code}

    verified = visitors.verified(acme)
    yield verified, "/mfa/verify/", {"code": code_of(verified.secret)}  # spent
    yield verified, "/mfa/codes/", {}
    for path in ("/", "/settings/", "/accounts/password_change/", "/accounts/password_change/done/"):
        yield verified, path
    for path in ("/mfa/", "/mfa/verify/", "/mfa/codes/", "/mfa/remove/"):
        yield verified, path
    yield verified, "/settings/", {"email": owner.user.email}

    RecoveryCode.objects.all().delete()
    free = visitors.verified(globex)
    RecoveryCode.objects.all().delete()
    for path in ("/", "/mfa/", "/mfa/codes/", "/mfa/remove/"):
        yield free, path

    undecided = visitors.not_chosen(acme)
    yield undecided, "/mfa/organizations/"
    yield undecided, "/mfa/organizations/", {"member": "nobody"}

    inactive = visitors.password_only(acme)
    Member.objects.filter(pk=inactive.member.pk).update(status=Member.Status.PENDING)
    yield inactive, "/mfa/verify/", {"code": code_of(inactive.secret)}
    configure(RECOVERY_CODES_VIEWABLE=False)
    yield free, "/mfa/codes/"


def ask(visitor: Visitor, language: str, path: str, data: dict[str, str] | None = None) -> Any:
    headers = {"Accept": HTML, "Accept-Language": language}
    if data is None:
        return visitor.client.get(path, headers=headers)
    return visitor.client.post(path, data, headers=headers)


def pieces(response: Any) -> set[str]:
    """What is read out to a visitor, element by element, as far as it has letters."""
    body = UNSPOKEN.sub("", response.content.decode())
    found = re.split(r"<[^>]*>", body) + SPOKEN_ATTRIBUTE.findall(body)
    return {unescape(piece).strip().removesuffix(" – Harbor") for piece in found if any(map(str.isalpha, piece))}


def names() -> set[str]:
    """What isn't translated: people, organizations, languages, the site."""
    people = {name for one in Member.objects.all() for name in (one.email, enrolment.issuer(one))}
    organizations = Organization.objects.values_list("name", flat=True)
    return {"Harbor", *people, *organizations, *dict(settings.LANGUAGES).values()}


def pattern_of(msgid: str) -> re.Pattern[str]:
    """What ``msgid`` looks like on a page, whatever is filled in."""
    return re.compile(rf"\b{'[^<]*'.join(map(re.escape, PLACEHOLDER.split(msgid)))}(?!\w)")


@each_language
def test_every_page_speaks_the_language_of_the_visitor(language, acme, globex, configure):
    entries = [entry for root in ROOTS for entry in catalogue(root, language)]
    same = {entry.msgid for entry in entries if entry.msgid == entry.msgstr}
    # The words of staff, "id" or "name", are in the markup of every page.
    shown = {text for root in ROOTS.values() for _, text, _ in marked(filter(is_for_visitors, sources(root)))}
    english = {msgid: pattern_of(msgid) for msgid in {entry.msgid for entry in entries} & shown - same}
    seen, drawn, left = set(), set(), {}
    for visitor, *request in situations(acme, globex, configure):
        usual, response = (ask(visitor, spoken, *request) for spoken in ("en", language))
        body = unescape(response.content.decode())
        assert f'<html lang="{language}">' in body, (request, response.status_code)
        untranslated = (pieces(usual) & pieces(response)) - names() - same
        anonymous = re.sub("|".join(map(re.escape, names())), "", body)
        untranslated |= {msgid for msgid, pattern in english.items() if pattern.search(anonymous)}
        if untranslated:
            left[str(request)] = untranslated
        seen.add(response.resolver_match.view_name)
        drawn |= {template.name for template in response.templates}
    assert left == {}
    assert {f"stytch_totp:{one.name}" for one in urls.urlpatterns} - seen == {"stytch_totp:download_codes"}
    templates = [root / "templates" for root in ROOTS.values()]
    pages = {file.relative_to(one) for one in templates for file in one.rglob("*.html")}
    assert {str(page) for page in pages if is_for_visitors(page)} - drawn == set()
