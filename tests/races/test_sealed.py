"""Nothing that opens a door stands in a database, a log or a dump (CR-04, CR-08, AA-08, SE-01), nor does a row
that was moved or lost its key let anyone in (CR-03, CR-07, CR-15).
"""

import base64
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import bcrypt
import pyotp
import pytest
from django.contrib.auth.hashers import make_password

from stytch_totp import conf
from stytch_totp.core.factors import factor
from stytch_totp.core.sealing import generate_key
from stytch_totp.models import Member, Organization, RecoveryCode, Session, TOTPRegistration
from stytch_totp.operations import grants
from tests.conftest import API
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol, make_member
from tests.live import SECRET
from tests.races.burst import Call, Figures
from tests.races.site import (
    Person,
    Site,
    authenticate,
    create,
    delete_totp,
    extend,
    log_in,
    opened,
    recover,
    revoke,
    rotate,
    show_codes,
)

PASSWORD = "correct horse battery staple"


@dataclass
class Story:
    """A site that everything happened on, and all that must be found nowhere."""

    site: Site
    person: Person = field(default_factory=dict)
    secrets: set[str] = field(default_factory=lambda: {SECRET, PASSWORD})
    codes: set[str] = field(default_factory=set)

    def ask(self, call: Call, status: int = 200) -> dict[str, Any]:
        """The body of the answer; what is secret in the call and in the answer is kept in mind."""
        answer = self.site.one(call)
        assert answer.status == status, answer.body
        for body in (call.body, answer.body):
            self._remember(body)
        return answer.body

    def _remember(self, body: dict[str, Any]) -> None:
        names = ("secret", "qr_code", "session_token", "session_jwt", "intermediate_session_token")
        self.secrets |= {body[name] for name in (*names, "recovery_code", "password") if body.get(name)}
        self.secrets |= set(body.get("recovery_codes", []))
        self.codes |= {body[name] for name in ("code",) if name in body}

    def code(self) -> str:
        self.site.advance(60)
        return self.site.code(self.person)


def tell(story: Story) -> None:
    """Everything that the API does with secrets, wrong ones among them."""
    site, ask = story.site, story.ask
    made = ask(Call("/v1/b2b/organizations", {"organization_name": "Sealed", "mfa_policy": "REQUIRED_FOR_ALL"}))
    story.person = person = {"organization_id": made["organization"]["organization_id"]}
    person["email_address"] = "sealed@example.com"
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    named = person | {"hash": hashed, "hash_type": "bcrypt"}
    person["member_id"] = ask(Call("/v1/b2b/passwords/migrate", named))["member_id"]
    ask(log_in(person, "wrong " + PASSWORD), 401)

    def login() -> dict[str, str]:
        token = ask(log_in(person, PASSWORD))["intermediate_session_token"]
        return {"intermediate_session_token": token}

    ask(create(person))
    enrolment = ask(create(person))
    person["secret"] = enrolment["secret"]
    ask(authenticate(person, site.wrong_codes(person, 1)[0], **login()), 401)
    session = ask(authenticate(person, story.code(), **login()))
    stepped = ask(authenticate(person, story.code(), session_token=session["session_token"]))
    ask(extend({"session_jwt": stepped["session_jwt"]}, session_duration_minutes=600))
    ask(recover(person, "zzzz-zzzz-zzzz", **login()), 401)
    ask(recover(person, enrolment["recovery_codes"][0].upper(), **login()))
    codes = ask(show_codes(person))["recovery_codes"]
    ask(recover(person, enrolment["recovery_codes"][0], **login()), 401)
    assert len(codes) == 9
    fresh = ask(rotate(person))["recovery_codes"]
    ask(recover(person, fresh[0], session_token=stepped["session_token"]))
    ask(revoke(session_token=ask(authenticate(person, story.code(), **login()))["session_token"]))
    ask(delete_totp(person))
    moved = {"secret": pyotp.random_base32(), "recovery_codes": ["wxyz-1234-abcd", "0mig-rat3-dcde"]}
    ask(Call("/v1/b2b/totp/migrate", {**{k: person[k] for k in ("organization_id", "member_id")}, **moved}))
    person["secret"] = moved["secret"]
    again = ask(authenticate(person, story.code(), **login()))
    ask(authenticate(person, story.code(), session_jwt=again["session_jwt"]))
    # A session and a login that are alive while the thief is at work.
    ask(authenticate(person, story.code(), **login()))
    login()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    directory = tmp_path_factory.mktemp("sealed")
    with opened(directory, "sqlite", asked={"log": str(directory / "debug.log")}) as site:
        told = Story(site)
        tell(told)
        yield told


def forms(secret: str) -> set[bytes]:
    """The ways in which a secret could stand somewhere without standing there as itself."""
    bare = secret.replace("-", "").replace(" ", "")
    cores = {secret.encode(), bare.encode()}
    for decode in (base64.b32decode, base64.urlsafe_b64decode):
        with suppress(ValueError):
            cores.add(decode(bare))
    found = set()
    for core in cores:
        found |= {core, core.upper(), core.lower(), core.hex().encode(), core.hex().upper().encode()}
        found |= {
            encode(core).rstrip(b"=") for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.b32encode)
        }
        found |= {quote(core).encode(), repr(core)[2:-1].encode()}
    return {form for form in found if len(form) >= 8}


def quoted(code: str) -> set[bytes]:
    """Six digits are anywhere; as a value they stand in quotes."""
    return {form.format(code).encode() for form in ('"{}"', "'{}'", '\\"{}\\"', "code={}", "code: {}", "/{}/", "={}&")}


def sinks(story: Story) -> dict[str, bytes]:
    directory = story.site.live.directory
    files = [*directory.glob("*.sqlite3*"), directory / "debug.log", directory / "log"]
    return {file.name: file.read_bytes() for file in files}


def needles(story: Story) -> set[bytes]:
    secret = {form for secret in story.secrets for form in forms(secret)}
    return secret | {form for code in story.codes for form in quoted(code)}


def test_cr04_cr08_aa08_no_secret_stands_in_the_database_or_in_any_log(story: Story, figures: Figures) -> None:
    places = sinks(story)
    assert len(story.secrets) > 40
    assert len(story.codes) > 6
    assert b"stytch_totp_guard" in places["debug.log"]
    assert b"UPDATE" in places["debug.log"]
    assert b"/v1/b2b/totp/authenticate" in places["log"]
    assert any(b"sealed@example.com" in content for name, content in places.items() if "sqlite3" in name)
    megabytes = sum(map(len, places.values())) / 1e6
    figures.say(f"{megabytes:.1f} MB searched for {len(story.secrets)} secrets and {len(story.codes)} TOTP codes")
    found = [(name, form) for name, content in places.items() for form in needles(story) if form in content]
    assert found == []


def dump(story: Story) -> set[str]:
    """Every value of every column of the database file as text, the blobs in two spellings."""
    (file,) = story.site.live.directory.glob("*.sqlite3")
    connection = sqlite3.connect(file)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    values = {value for table in tables for row in connection.execute(f"SELECT * FROM '{table}'") for value in row}
    connection.close()
    texts = {value for value in values if isinstance(value, str) and value}
    for blob in (value for value in values if isinstance(value, bytes)):
        texts |= {blob.hex(), base64.urlsafe_b64encode(blob).decode()}
    return texts


def test_se01_no_value_in_the_database_is_a_credential(story: Story, figures: Figures) -> None:
    site, code, values = story.site, story.code(), sorted(dump(story))
    uses: dict[str, Callable[[str], Call]] = {
        "session": lambda value: extend({"session_token": value}),
        "jwt": lambda value: extend({"session_jwt": value}),
        "login": lambda value: authenticate(story.person, code, intermediate_session_token=value),
        "secret": lambda value: Call("/v1/b2b/organizations/search", {}, password=value),
    }
    assert len(values) > 100
    accepted = [(use, value) for use, call in uses.items() for value in values if site.one(call(value)).status == 200]
    figures.say(f"{len(values)} values tried as {', '.join(uses)}: {len(accepted)} accepted")
    assert accepted == []
    # The doors do open: to their keys.
    credential = {
        "intermediate_session_token": site.one(log_in(story.person, PASSWORD)).body["intermediate_session_token"]
    }
    assert site.one(authenticate(story.person, code, **credential)).status == 200


def by_login(member: Member) -> dict[str, str]:
    return {
        "organization_id": conf.public_id("organization", member.organization_id),
        "member_id": conf.public_id("member", member.pk),
        "intermediate_session_token": grants.begin(member, [factor("password", None, conf.now())], ACTOR),
    }


def verify(api: API, member: Member, secret: str) -> int:
    body = by_login(member) | {"code": code_of(secret)}
    return int(api("POST", "/v1/b2b/totp/authenticate", body).status_code)


def people(count: int) -> list[tuple[Member, str, list[str]]]:
    """Half of them in one organization, each of the others in one of its own."""
    shared = OrganizationFactory.create()
    places: list[Organization | None] = [shared if number % 2 else None for number in range(count)]
    made = [make_member(**({"organization": place} if place else {})) for place in places]
    return [(member, *enrol(member)) for member in made]


@pytest.mark.django_db
def test_cr03_a_secret_moved_to_another_member_s_row_opens_nothing(api: API) -> None:
    crowd = people(20)
    rows = {row.member_id: row for row in TOTPRegistration.objects.all()}
    for (member, _, _), (neighbour, _, _) in zip(crowd, crowd[1:] + crowd[:1], strict=True):
        moved = rows[neighbour.pk].sealed_secret
        TOTPRegistration.objects.filter(member=member).update(sealed_secret=moved)
    for (member, own, _), (_, moved, _) in zip(crowd, crowd[1:] + crowd[:1], strict=True):
        assert [verify(api, member, own), verify(api, member, moved)] == [503, 503]
    assert not Session.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["sealed_code", "digest"])
def test_cr03_recovery_codes_moved_to_another_member_s_rows_open_nothing(api: API, column: str) -> None:
    crowd = people(20)
    rows = {
        member.pk: list(RecoveryCode.objects.filter(registration__member=member).order_by("position"))
        for member, _, _ in crowd
    }
    for (member, _, _), (neighbour, _, _) in zip(crowd, crowd[1:] + crowd[:1], strict=True):
        for mine, theirs in zip(rows[member.pk], rows[neighbour.pk], strict=True):
            RecoveryCode.objects.filter(pk=mine.pk).update(**{column: getattr(theirs, column)})
    for (member, _, _), (_, _, moved) in zip(crowd, crowd[1:] + crowd[:1], strict=True):
        recovered = api("POST", "/v1/b2b/recovery_codes/recover", by_login(member) | {"recovery_code": moved[0]})
        assert recovered.status_code == 401
        named = by_login(member)
        shown = api("GET", f"/v1/b2b/recovery_codes/{named['organization_id']}/{named['member_id']}")
        if column == "sealed_code":
            assert shown.status_code == 503
        else:
            assert moved[0] not in shown.content.decode()
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_cr03_a_value_moved_to_another_column_opens_nothing(api: API) -> None:
    member, secret, codes = people(1)[0]
    code = RecoveryCode.objects.filter(registration__member=member).first()
    assert code is not None
    sealed = TOTPRegistration.objects.get(member=member).sealed_secret
    TOTPRegistration.objects.filter(member=member).update(sealed_secret=code.sealed_code)
    RecoveryCode.objects.filter(pk=code.pk).update(sealed_code=sealed)
    assert verify(api, member, secret) == 503
    named = by_login(member)
    shown = api("GET", f"/v1/b2b/recovery_codes/{named['organization_id']}/{named['member_id']}")
    assert shown.status_code == 503
    assert codes[1] not in shown.content.decode()


@pytest.mark.django_db
def test_cr03_a_session_token_moved_to_another_session_s_row_is_not_given_out(api: API) -> None:
    granted = []
    for member, secret, _ in people(2):
        body = by_login(member) | {"code": code_of(secret)}
        granted.append(api("POST", "/v1/b2b/totp/authenticate", body).json())
    first, second = Session.objects.order_by("pk")
    Session.objects.filter(pk=first.pk).update(sealed_token=second.sealed_token)
    Session.objects.filter(pk=second.pk).update(sealed_token=first.sealed_token)
    for body in granted:
        answer = api("POST", "/v1/b2b/sessions/authenticate", {"session_jwt": body["session_jwt"]})
        assert answer.status_code == 503
        assert "session_token" not in answer.json()


@pytest.mark.django_db
def test_cr07_without_its_key_a_member_stays_enrolled_and_is_not_let_in(
    api: API, configure: Callable[..., None]
) -> None:
    tenant = OrganizationFactory.create(mfa_policy="REQUIRED_FOR_ALL")
    member = make_member(organization=tenant, password=make_password(PASSWORD))
    secret, codes = enrol(member)
    keyring = conf.conf().keyring
    named = by_login(member)
    configure(KEYRING=[generate_key("another")])

    assert verify(api, member, secret) == 503
    recovered = api("POST", "/v1/b2b/recovery_codes/recover", by_login(member) | {"recovery_code": codes[0]})
    assert recovered.status_code == 401
    body = {"organization_id": named["organization_id"], "email_address": member.email, "password": PASSWORD}
    login = api("POST", "/v1/b2b/passwords/authenticate", body).json()
    assert (login["member_authenticated"], login["session_token"]) == (False, "")
    assert login["mfa_required"]["member_options"]["totp_registration_id"].startswith("member-totp-test-")
    created = api("POST", "/v1/b2b/totp", by_login(member))
    assert created.json()["error_type"] == "active_totp_exists"
    shown = api("GET", f"/v1/b2b/recovery_codes/{named['organization_id']}/{named['member_id']}")
    assert shown.status_code == 503
    assert not Session.objects.exists()

    configure(KEYRING=list(keyring))
    assert verify(api, member, secret) == 200
    recovered = api("POST", "/v1/b2b/recovery_codes/recover", by_login(member) | {"recovery_code": codes[0]})
    assert recovered.status_code == 200


@pytest.mark.django_db
def test_cr15_another_secret_key_leaves_every_factor_usable(api: API, settings: Any) -> None:
    member, secret, codes = people(1)[0]
    session = api("POST", "/v1/b2b/recovery_codes/recover", by_login(member) | {"recovery_code": codes[0]}).json()
    settings.SECRET_KEY = "another " + "k" * 50
    assert verify(api, member, secret) == 200
    recovered = api("POST", "/v1/b2b/recovery_codes/recover", by_login(member) | {"recovery_code": codes[1]})
    assert recovered.status_code == 200
    assert api("POST", "/v1/b2b/sessions/authenticate", {"session_jwt": session["session_jwt"]}).status_code == 200


@pytest.mark.parametrize("kept", ["{}", "x{}y", '{{"token": "{}"}}', "args=('{}',)"])
def test_the_search_knows_a_secret_in_every_disguise(kept: str) -> None:
    """The search above finds nothing: here is what it would have found."""
    secret, token, code = pyotp.random_base32(), base64.urlsafe_b64encode(bytes(range(33))).decode(), "abcd-1234-wxyz"
    disguises = [
        (secret, base64.b32decode(secret).hex()),
        (secret, secret.lower()),
        (secret, base64.b64encode(base64.b32decode(secret)).decode()),
        (secret, repr(base64.b32decode(secret))[2:-1]),
        (token, token),
        (token, token.encode().hex()),
        (token, quote(token)),
        (code, "ABCD1234WXYZ"),
        (code, "abcd1234wxyz"),
        (code, base64.b64encode(code.encode()).decode()),
    ]
    for original, disguised in disguises:
        assert any(form in kept.format(disguised).encode() for form in forms(original)), disguised
    assert any(form in b"args=('012345',)" for form in quoted("012345"))
