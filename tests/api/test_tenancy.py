"""What belongs to one organization is nothing to another (TE-01, TE-02, TE-03, TE-07)."""

from dataclasses import dataclass, replace
from itertools import chain
from urllib.parse import quote

import pytest

from stytch_totp.conf import public_id
from stytch_totp.models import (
    Guard,
    IntermediateSession,
    Member,
    Organization,
    RecoveryCode,
    Session,
    TOTPRegistration,
)
from stytch_totp.operations import sessions
from tests.api.helpers import (
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    Route,
    but_request_id,
    complete,
    fault,
    fill,
    intermediate,
    log_in,
    make_organization,
    make_person,
    ok,
    put,
    refused,
    rows_hash,
    send,
    undone,
    unknown,
    where,
)
from tests.factories import MemberFactory, OrganizationFactory

pytestmark = pytest.mark.django_db

#: The calls that name a member or a session of any organization: the project's secret is what admits them.
ANYWHERE = ("dangerously_get", "/sessions/revoke")
TOKENS = ("session_token", "session_jwt", "intermediate_session_token", "member_session_id")


# Other people's ids


@pytest.fixture
def consumer(db):
    """A plain User in the consumer directory, with a session, an intermediate session and a TOTP."""
    directory = OrganizationFactory.create(
        kind=Organization.Kind.CONSUMER, consumer_key="consumer", slug="consumers", external_id="consumer-directory"
    )
    member = MemberFactory.create(organization=directory, email="user@example.com", external_id="user-external")
    member = Member.objects.select_related("organization").get(pk=member.pk)
    TOTPRegistration.objects.create(
        member=member, state="active", sealed_secret=b"x", expires_at=0, created_at=0, verified_at=0
    )
    proven = {"type": "password", "id": "", "created_at": 0, "last_authenticated_at": 0}
    draft = sessions.draft(member, None, proven)
    draft.write()
    return {
        "organizations": [public_id("organization", directory.pk), "consumers", "consumer-directory"],
        "members": [public_id("member", member.pk), f"user-test-{member.pk}", "user-external", "user@example.com"],
        "session_token": draft.granted.token,
        "session_jwt": draft.granted.jwt,
        "member_session_id": public_id("session", draft.granted.session.pk),
        "intermediate_session_token": sessions.begin(member, proven),
    }


def _strangers(api):
    """Another tenant, a member of it, and what named a tenant that is gone."""
    other = make_organization(
        api, organization_slug="other-slug", organization_external_id="other-external", mfa_policy="REQUIRED_FOR_ALL"
    )
    stranger = make_person(api, other["organization_id"], external_id="stranger-external")
    gone_tenant = make_organization(api, organization_slug="gone-slug", organization_external_id="gone-external")
    ok(api("DELETE", f"{ORGANIZATIONS}/{gone_tenant['organization_id']}"))
    gone = [unknown("organization"), gone_tenant["organization_id"], "gone-slug", "gone-external"]
    return other, stranger, gone


def _with_prefixes(identifier):
    """The same UUID as an id of another environment and of another kind."""
    kind, uuid = identifier[: -len("-test-") - 36], identifier[-36:]
    wrong = {"organization": "member", "member": "organization"}[kind]
    return [f"{kind}-live-{uuid}", f"{wrong}-test-{uuid}", f"user-test-{uuid}", f"{kind}-{uuid}", uuid, uuid.upper()]


@dataclass(frozen=True)
class Slot:
    """A place of a path, query or body that names an organization or a member."""

    route: Route
    place: str
    name: str

    @property
    def is_organization(self):
        return self.name.startswith("organization")

    @property
    def reaches_anywhere(self):
        return any(part in self.route.path for part in ANYWHERE)

    @property
    def names_a_member_too(self):
        """Then an organization in which that member isn't is as bad as none."""
        spelled = f"{self.route.path} {self.route.body} {self.route.query}"
        return any(f"{{{name}}}" in spelled for name in ("member_id", "fresh_id", "gone_id"))

    def call(self, api, world, identifier):
        route, quoted = self.route, quote(identifier, safe="")
        body = fill(route.body, world.values)
        path = fill(route.path, {**world.values, **({self.name: quoted} if self.place == "path" else {})})
        query = fill(dict(route.query), world.values) | ({self.name: quoted} if self.place == "query" else {})
        if self.place == "body":
            body = put({} if route.path.endswith("/revoke") else body, self.name, identifier)
        given = "&".join(f"{key}={value}" for key, value in query.items())
        return api(route.method, path + (f"?{given}" if given else ""), body)


def _slots():
    for route in ROUTES:
        for name in ("organization_id", "member_id", "gone_id"):
            if f"{{{name}}}" in route.path:
                yield Slot(route, "path", name)
        for name in route.query:
            if name in ("organization_id", "member_id"):
                yield Slot(route, "query", name)
        for name in route.fields:
            if name in ("organization_id", "member_id", "organization_ids.0"):
                yield Slot(route, "body", name)


SLOTS = list(_slots())


def test_te01_no_route_reaches_through_an_id_that_is_not_the_organizations_own(api, world, consumer):
    """Every route x every slot x {other tenant, its member, deleted, unknown, other environment or kind, consumer}."""
    other, stranger, gone = _strangers(api)
    own = world.person
    people = (own.member_id, stranger.member_id, world.values["gone_id"], consumer["members"][0])
    nobody = [unknown("member"), *consumer["members"], *chain.from_iterable(map(_with_prefixes, people))]
    nobody += [world.values["session_id"], own.organization_id, f"{own.organization_id}/{own.member_id}"]
    tenants = (own.organization_id, other["organization_id"], gone[1], consumer["organizations"][0])
    nowhere = [*gone, *consumer["organizations"], own.member_id, *chain.from_iterable(map(_with_prefixes, tenants))]
    foreign_members = [stranger.member_id, "stranger-external", stranger.email]
    foreign_tenants = [other["organization_id"], "other-slug", "other-external"]

    def identifiers(slot):
        if slot.is_organization:
            return nowhere + (foreign_tenants if slot.names_a_member_too else [])
        deleted = [] if slot.name == "gone_id" else [world.values["gone_id"]]
        return nobody + deleted + ([] if slot.reaches_anywhere else foreign_members)

    before, combinations, leaks = rows_hash(), 0, []
    for slot in SLOTS:
        for identifier in identifiers(slot):
            combinations += 1
            wrong = fault(slot.call(api, world, identifier), 404)
            if wrong:
                leaks.append((slot.route.name, slot.place, slot.name, identifier, wrong))
        if rows_hash() != before:
            leaks.append((slot.route.name, slot.place, slot.name, "rows changed"))
    assert not leaks
    assert combinations > 1000


def test_te01_credentials_of_another_organization_or_of_the_consumer_directory_open_nothing(api, world, consumer):
    """Every route that takes a credential x {another tenant's, a deleted member's, the consumer directory's}."""
    stranger, leaver = make_person(api), make_person(api)
    session = complete(api, stranger)
    theirs = {
        "session_token": session["session_token"],
        "session_jwt": session["session_jwt"],
        "intermediate_session_token": intermediate(api, stranger),
    }
    left = complete(api, leaver)
    dead = {
        "session_token": left["session_token"],
        "session_jwt": left["session_jwt"],
        "intermediate_session_token": intermediate(api, leaver),
        "member_session_id": left["member_session"]["member_session_id"],
    }
    ok(api("DELETE", leaver.member_path))
    before, combinations, leaks = rows_hash(), 0, []
    for route in ROUTES:
        for name in TOKENS:
            if name not in route.fields:
                continue
            body = {key: value for key, value in fill(route.body, world.values).items() if key not in TOKENS}
            about_somebody = "organization_id" in body
            for owner, credentials in (("another", theirs), ("deleted", dead), ("consumer", consumer)):
                # Without a subject these routes are about the credential itself: its owner's session is meant.
                if name in credentials and (about_somebody or owner != "another"):
                    combinations += 1
                    answer = api(route.method, fill(route.path, world.values), {**body, name: credentials[name]})
                    if fault(answer, 400, 404) or rows_hash() != before:
                        leaks.append((route.name, name, owner, answer.status_code, answer.content[:120]))
    assert not leaks
    assert combinations >= 40


@pytest.mark.parametrize("filters", [{}, {"statuses": ["active", "pending", "deleted"]}])
def test_te01_a_search_finds_members_of_the_named_organizations_only(api, world, consumer, filters):
    stranger = make_person(api)
    named = {"organization_ids": [world.person.organization_id]}
    answer = ok(api("POST", f"{ORGANIZATIONS}/members/search", {**named, "query": where(**filters)}))
    assert {member["organization_id"] for member in answer["members"]} == {world.person.organization_id}
    ids = [stranger.member_id, consumer["members"][0]]
    either = where(operator="OR", member_ids=ids, member_emails=[stranger.email, "user@example.com"], **filters)
    found = ok(api("POST", f"{ORGANIZATIONS}/members/search", {**named, "query": either}))["members"]
    assert {member["organization_id"] for member in found} <= {world.person.organization_id}


def test_te01_no_search_shows_the_consumer_directory(api, consumer):
    for filters in (
        {},
        {"organization_ids": consumer["organizations"]},
        {"organization_slugs": ["consumers"]},
        {"organization_slug_fuzzy": "consumers"},
        {"member_emails": ["user@example.com"]},
        {"operator": "OR", "member_email_fuzzy": "user@", "has_active_sso_connection": False},
    ):
        assert ok(api("POST", f"{ORGANIZATIONS}/search", {"query": where(**filters)}))["organizations"] == []
    for identifier in consumer["organizations"]:
        body = {"organization_ids": [identifier]}
        refused(api("POST", f"{ORGANIZATIONS}/members/search", body), 404, "organization_not_found")


def test_te01_a_cursor_leads_nowhere_else(api, world):
    tenant = make_organization(api)["organization_id"]
    for _ in range(3):
        make_person(api, tenant, totp=False)
    first = ok(api("POST", f"{ORGANIZATIONS}/members/search", {"organization_ids": [tenant], "limit": 1}))
    cursor = first["results_metadata"]["next_cursor"]
    own = {"organization_ids": [world.person.organization_id], "cursor": cursor}
    members = ok(api("POST", f"{ORGANIZATIONS}/members/search", own))["members"]
    assert {member["organization_id"] for member in members} <= {world.person.organization_id}


def test_te01_the_rows_of_two_organizations_are_as_they_were_after_each_call_about_the_other(api, world):
    """Valid calls, too: what is done in one organization changes nothing in another."""
    stranger = make_person(api)
    complete(api, stranger)
    uuids = {stranger.organization_id[-36:], stranger.member_id[-36:]}

    def theirs():
        tables = (Organization, Member, TOTPRegistration, Session, IntermediateSession, Guard)
        found = [str(row) for table in tables for row in table.objects.order_by("pk").values_list()]
        return [row for row in found if any(uuid in row for uuid in uuids)]

    before = theirs()
    assert len(before) >= 7
    for route in ROUTES:
        with undone():
            ok(world.request(api, route))
            assert theirs() == before, route.name


# TE-02


def test_te02_another_organizations_member_is_answered_for_like_nobody(api, world):
    stranger = make_person(api, external_id="stranger-external")
    compared = 0
    for slot in SLOTS:
        if slot.is_organization or slot.reaches_anywhere:
            continue
        nobody = slot.call(api, world, unknown("member"))
        assert nobody.status_code == 404
        for identifier in (stranger.member_id, "stranger-external"):
            somebody = slot.call(api, world, identifier)
            assert but_request_id(somebody) == but_request_id(nobody), slot
            assert sorted(somebody.headers.items()) == sorted(nobody.headers.items()), slot
            compared += 1
    assert compared >= 18


def test_te02_a_consumer_directory_is_answered_for_like_no_organization(api, world, consumer):
    for slot in SLOTS:
        if slot.is_organization:
            nobody = slot.call(api, world, unknown("organization"))
            for identifier in consumer["organizations"]:
                assert but_request_id(slot.call(api, world, identifier)) == but_request_id(nobody), slot


# TE-03


def _variants(word):
    """What a careless collation or a careless normalisation takes for ``word``."""
    return [
        *(
            word.upper(),
            word.title(),
            word.swapcase(),
            f"{word} ",
            f" {word}",
            f"{word}.",
            f"{word}\t",
            f"{word}\u00a0",
        ),
        *(f"{word}\0", f"{word}\n", f"{word}\u200b", f"\ufeff{word}", f"{word}-", f"{word}_", f"{word}/", f"{word}%20"),
        *(
            word.replace("a", mark)
            for mark in ("\u00e4", "\u00e1", "a\u0301", "\u0430", "\u00aa", "\uff41", "@", "\u00c4")
        ),
        *(word.replace("s", mark) for mark in ("\u00df", "\u017f", "\u0455", "\u0161", "\uff53", "\u1e9e", "ss")),
        *(word.replace("k", mark) for mark in ("\u212a", "\u043a", "\u1e31", "\uff4b", "K")),
        *(word.replace("i", mark) for mark in ("\u0130", "\u0131", "\u00ed", "\u0456", "I", "\u2170")),
        *(word.replace("e", mark) for mark in ("\u00e9", "\u0435", "\u0117", "E", "\u212e")),
        *(word.replace("o", mark) for mark in ("\u00f6", "\u00f8", "0", "\u043e", "\u00ba", "\u03bf")),
        *(word.replace("-", mark) for mark in ("_", "\u2010", "\u2011", "\u2013", "\u00ad", "", " ", ".")),
        *(word.replace("1", mark) for mark in ("\uff11", "\u00b9", "\u0661", "l", "\u2460")),
        *(word.replace("fi", "\ufb01"), word.replace("ae", "\u00e6"), word.replace("oe", "\u0153"), word + "\u0301"),
    ]


WORD = "fias-koesael-1"
PAIRS = [variant for variant in dict.fromkeys(_variants(WORD)) if variant != WORD]


def test_te03_no_confusable_name_resolves_to_an_organization(api, db):
    slugged = make_organization(api, organization_slug=WORD)
    named = make_organization(api, organization_external_id=f"{WORD}-x")
    assert ok(api("GET", f"{ORGANIZATIONS}/{WORD}"))["organization"] == slugged
    assert ok(api("GET", f"{ORGANIZATIONS}/{WORD}-x"))["organization"] == named
    crossed = []
    for variant in [*PAIRS, *_variants(f"{WORD}-x")]:
        if variant not in (WORD, f"{WORD}-x"):
            answer = api("GET", f"{ORGANIZATIONS}/{quote(variant, safe='')}")
            if fault(answer, 404):
                crossed.append((variant, answer.status_code))
            query = where(organization_slugs=[variant])
            if "\0" not in variant and ok(api("POST", f"{ORGANIZATIONS}/search", {"query": query}))["organizations"]:
                crossed.append((variant, "search"))
    assert not crossed
    assert len(PAIRS) >= 60


def test_te03_no_confusable_name_resolves_to_a_member(api, db):
    person = make_person(api, totp=False, external_id=WORD)
    path = f"{ORGANIZATIONS}/{person.organization_id}/member?member_id="
    assert ok(api("GET", path + WORD))["member_id"] == person.member_id
    crossed = []
    for variant in PAIRS:
        answer = api("GET", path + quote(variant, safe=""))
        if fault(answer, 400, 404):
            crossed.append(variant)
    assert not crossed


def test_te03_no_confusable_address_resolves_to_a_member(api, db):
    """An address is compared without ASCII case and in no other way."""
    address = f"{WORD}@example.com"
    person = make_person(api, make_organization(api)["organization_id"], totp=False, email_address=address)
    path = f"{ORGANIZATIONS}/{person.organization_id}/member?email_address="
    crossed = []
    for variant in dict.fromkeys(_variants(WORD)):
        if variant.lower() == WORD and variant.isascii():
            continue
        for other in (f"{variant}@example.com", f"{WORD}@{variant}", f"{WORD}@example.com{variant[len(WORD) :]}"):
            if other == address:
                continue
            if api("GET", path + quote(other, safe="")).status_code == 200:
                crossed.append(("get", other))
            if "\0" not in other and log_in(api, replace(person, email=other)).status_code == 200:
                crossed.append(("login", other))
            listed = {"organization_ids": [person.organization_id], "query": where(member_emails=[other])}
            if "\0" not in other and ok(api("POST", f"{ORGANIZATIONS}/members/search", listed))["members"]:
                crossed.append(("search", other))
    assert not crossed


def test_te03_confusable_names_stand_side_by_side(api, db):
    """Those that the rules admit are different names of different organizations, members and addresses."""
    admitted = [one for one in dict.fromkeys([WORD, *PAIRS]) if one.isascii() and one.replace("-", "").isalnum()]
    assert len(admitted) >= 8
    tenants, members = {}, {}
    home = make_organization(api)["organization_id"]
    for number, name in enumerate(admitted):
        tenants[name] = make_organization(api, organization_slug=name)["organization_id"]
        email = f"side{number}@example.com"
        members[name] = make_person(api, home, totp=False, external_id=name, email_address=email).member_id
    for name in admitted:
        assert ok(api("GET", f"{ORGANIZATIONS}/{name}"))["organization"]["organization_id"] == tenants[name]
        found = ok(api("GET", f"{ORGANIZATIONS}/{home}/member?member_id={name}"))
        assert found["member_id"] == members[name]


def test_te03_ids_win_over_slugs_and_slugs_over_external_ids(api, world):
    """Were a slug and an external id alike in two organizations, the slug would have the say."""
    first = make_organization(api, organization_slug="contested")
    second = make_organization(api)
    Organization.objects.filter(slug=second["organization_slug"]).update(external_id="contested")
    resolved = ok(api("GET", f"{ORGANIZATIONS}/contested"))["organization"]
    assert resolved["organization_id"] == first["organization_id"]
    Organization.objects.filter(slug=second["organization_slug"]).update(external_id=first["organization_id"])
    resolved = ok(api("GET", f"{ORGANIZATIONS}/{first['organization_id']}"))["organization"]
    assert resolved["organization_id"] == first["organization_id"]
    victim = world.person
    Member.objects.filter(pk=world.fresh.member_id[-36:]).update(external_id=victim.member_id)
    path = f"{ORGANIZATIONS}/{victim.organization_id}/member?member_id={victim.member_id}"
    assert ok(api("GET", path))["member"]["email_address"] == victim.email


def test_the_same_names_in_two_organizations_stay_apart(api):
    one, two = (make_person(api, external_id="same", email_address="same@example.com") for _ in range(2))
    for person in (one, two):
        for selector in ("member_id=same", "email_address=same@example.com"):
            path = f"{ORGANIZATIONS}/{person.organization_id}/member?{selector}"
            assert ok(api("GET", path))["member_id"] == person.member_id
    token = intermediate(api, one)
    body = {"organization_id": two.organization_id, "member_id": "same", "intermediate_session_token": token}
    answer = api("POST", "/v1/b2b/totp/authenticate", {**body, "code": "123456"})
    refused(answer, 400, "invalid_intermediate_session_token_for_organization")


def test_every_call_takes_slug_and_external_ids_in_the_place_of_ids(api, world):
    slug = ok(api("GET", f"{ORGANIZATIONS}/{world.person.organization_id}"))["organization"]["organization_slug"]
    ok(api("PUT", f"{ORGANIZATIONS}/{world.person.organization_id}", {"organization_external_id": "the-tenant"}))
    ok(api("PUT", world.person.member_path, {"external_id": "the-person"}))
    ok(api("PUT", world.fresh.member_path, {"external_id": "the-fresh"}))
    for organization in (slug, "the-tenant"):
        values = {**world.values, "organization_id": organization, "member_id": "the-person", "fresh_id": "the-fresh"}
        for route in ROUTES:
            if "dangerously_get" not in route.path:
                with undone():
                    ok(send(api, route, values))


# TE-07


def test_te07_a_member_who_is_made_again_inherits_nothing(api, clock):
    tenant = make_organization(api, mfa_policy="REQUIRED_FOR_ALL")["organization_id"]
    seen, tokens, codes = set(), [], []
    for _ in range(50):
        person = make_person(api, tenant, email_address="again@example.com", external_id="again")
        session = complete(api, person)
        pending = intermediate(api, person)
        ids = {
            person.member_id,
            session["member_session"]["member_session_id"],
            session["member"]["totp_registration_id"],
        }
        assert not ids & seen
        seen |= ids
        tokens += [session["session_token"], pending]
        codes += person.codes
        ok(api("DELETE", person.member_path))
    assert len(seen) == 150
    assert len(set(codes)) == 500
    assert not Session.objects.filter(revoked_at=None).exists()
    assert not IntermediateSession.objects.filter(used_at=None).exists()
    assert not TOTPRegistration.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert not Member.objects.exclude(password="").exists()
    last = make_person(api, tenant, totp=False, email_address="again@example.com", external_id="again")
    assert last.member_id not in seen
    for token in tokens:
        refused(api("POST", f"{SESSIONS}/authenticate", {"session_token": token}), 404, "session_not_found")
    listed = ok(api("GET", f"{SESSIONS}?organization_id={tenant}&member_id={last.member_id}"))
    assert listed["member_sessions"] == []
    codes = api("GET", f"/v1/b2b/recovery_codes/{tenant}/{last.member_id}")
    refused(codes, 404, "recovery_codes_not_found")


def test_te07_deleting_an_organization_leaves_no_member_behind(api):
    person = make_person(api)
    complete(api, person)
    intermediate(api, person)
    ok(api("DELETE", f"{ORGANIZATIONS}/{person.organization_id}"))
    for table in (Member, Session, IntermediateSession, TOTPRegistration, RecoveryCode, Guard):
        assert not table.objects.exists()
