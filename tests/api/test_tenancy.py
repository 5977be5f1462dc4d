"""What belongs to one organization, or to one product, is nothing to another (TE-01, TE-02, TE-03, TE-06, TE-07)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from urllib.parse import quote

import pytest

from stytch_totp.models import (
    Guard,
    IntermediateSession,
    Member,
    Organization,
    RecoveryCode,
    Session,
    TOTPRegistration,
)
from tests.api.helpers import (
    MEMBER_ROUTES,
    ORGANIZATIONS,
    PASSWORD,
    ROUTES,
    SDK,
    SESSIONS,
    USER_ROUTES,
    USERS,
    Page,
    World,
    activate,
    but_request_id,
    complete,
    data,
    fault,
    intermediate,
    log_in,
    make_organization,
    make_person,
    make_user,
    ok,
    pending_totp,
    refused,
    rows,
    rows_hash,
    send,
    show_member,
    succeeded,
    undone,
    unknown,
    user_session,
    where,
)
from tests.api.slots import SDK_ROUTES, SLOTS, TOKENS, Slot

pytestmark = pytest.mark.django_db

NOBODYS_TOKENS = ["x" * 44, "-_" * 22]
SDK_LOGIN = f"{SDK}/b2b/passwords/authenticate"


# Other people's ids


@dataclass(frozen=True)
class Strangers:
    """By kind of slot, what is somebody else's: whom, and what names them."""

    tenants: dict[str, list[str]]
    members: dict[str, list[str]]
    users: dict[str, list[str]]
    totps: dict[str, list[str]]
    credentials: dict[tuple[str, str], dict[str, str]]

    def foreign(self, slot: Slot) -> Iterable[tuple[str, str]]:
        """Whose and which identifiers must open nothing in this slot."""
        if slot.kind in TOKENS:
            # A password login on a page takes no notice of what is left over there.
            return self._credentials(slot) if slot.route.path != SDK_LOGIN else ()
        named = {
            "organization_id": self.tenants,
            "member_id": self.members,
            "user_id": self.users,
            "totp_id": self.totps,
            "project_id": {"nobody": [unknown("project"), unknown("member"), "project-test-"]},
            "public_token": {"nobody": [unknown("public-token"), unknown("project"), "public-token-test-"]},
        }[slot.kind]
        return ((owner, one) for owner in named for one in named[owner] if not self._is_admitted(slot, owner))

    def _is_admitted(self, slot: Slot, owner: str) -> bool:
        """Whether a caller of this route may well mean them."""
        if owner == "deleted":
            return slot.name == "gone_id"
        if owner != "another" or slot.route.is_page:
            return owner == "another" and slot.name == "organization_id" and slot.route.path == SDK_LOGIN
        if slot.kind == "organization_id":
            return not slot.names_a_member_too
        return slot.kind in ("user_id", "totp_id") or slot.reaches_anywhere

    def _credentials(self, slot: Slot) -> Iterable[tuple[str, str]]:
        product = "b2b" if "/b2b/" in slot.route.path else "consumer"
        # Without a subject the call is about the credential itself: its owner's session is meant.
        about_somebody = {"organization_id", "user_id"} & set(slot.route.fields) and slot.place == "body"
        for (whose, owner), given in self.credentials.items():
            if slot.kind in given and (whose != product or owner == "deleted" or about_somebody):
                yield f"{whose}, {owner}", given[slot.kind]
        if slot.kind.endswith("_token"):
            yield from (("nobody", token) for token in NOBODYS_TOKENS)


def _with_prefixes(kind, identifier):
    """The same UUID as an id of another environment and of other kinds."""
    uuid = identifier[-36:]
    others = {"organization", "member", "user", "session"} - {kind}
    spelled = [f"{kind}-live-{uuid}", f"{kind}-{uuid}", uuid, uuid.upper()]
    return [*spelled, *(f"{other}-test-{uuid}" for other in sorted(others))]


@pytest.fixture
def strangers(api, world: World) -> Strangers:
    """Another tenant with a member, another User, some that are deleted, and what names all of them."""
    other = make_organization(
        api, organization_slug="other-slug", organization_external_id="other-external", mfa_policy="REQUIRED_FOR_ALL"
    )
    stranger = make_person(api, other["organization_id"], external_id="stranger-external")
    leaver = make_person(api, other["organization_id"])
    gone = make_organization(api, organization_slug="gone-slug", organization_external_id="gone-external")
    user, left = make_user(api, external_id="stranger-user"), make_user(api)
    replaced = user.totp_id
    ok(api("DELETE", f"{USERS}/totps/{replaced}"))
    user = activate(api, pending_totp(api, user))
    credentials = {
        ("b2b", "another"): _credentials_of_member(api, stranger),
        ("b2b", "deleted"): _credentials_of_member(api, leaver),
        ("consumer", "another"): _credentials_of_user(api, user),
        ("consumer", "deleted"): _credentials_of_user(api, left),
    }
    ok(api("DELETE", leaver.member_path))
    ok(api("DELETE", left.path))
    ok(api("DELETE", f"{ORGANIZATIONS}/{gone['organization_id']}"))
    directory = Organization.objects.get(kind=Organization.Kind.CONSUMER)
    Organization.objects.filter(pk=directory.pk).update(slug="consumers", external_id="consumer-directory")
    own_tenants = [world.person.organization_id, other["organization_id"], gone["organization_id"]]
    own_members = [world.person.member_id, stranger.member_id, world.values["gone_id"]]
    registered = show_member(api, stranger)["totp_registration_id"]
    return Strangers(
        tenants={
            "another": [other["organization_id"], "other-slug", "other-external"],
            "deleted": [gone["organization_id"], "gone-slug", "gone-external"],
            "consumer": [directory.public_id, "consumers", "consumer-directory"],
            "nobody": [unknown("organization"), world.person.member_id],
            "spelled": [*chain.from_iterable(_with_prefixes("organization", one) for one in own_tenants)],
        },
        members={
            "another": [stranger.member_id, "stranger-external", stranger.email],
            "deleted": [leaver.member_id, world.values["gone_id"]],
            "consumer": [f"member-test-{user.user_id[-36:]}", user.user_id, "stranger-user", user.email],
            "nobody": [unknown("member"), world.values["session_id"], world.person.organization_id],
            "spelled": [
                *chain.from_iterable(_with_prefixes("member", one) for one in (*own_members, user.user_id)),
                f"{world.person.organization_id}/{world.person.member_id}",
            ],
        },
        users={
            "another": [user.user_id, "stranger-user"],
            "deleted": [left.user_id],
            "b2b": [f"user-test-{stranger.member_id[-36:]}", stranger.member_id, "stranger-external", stranger.email],
            "nobody": [unknown("user"), world.values["user_session_id"]],
            "spelled": [*chain.from_iterable(_with_prefixes("user", one.user_id) for one in (user, world.user))],
        },
        totps={
            "another": [user.totp_id],
            "deleted": [replaced, left.totp_id],
            "b2b": [registered, f"totp-test-{registered[-36:]}"],
            "nobody": [unknown("totp"), world.user.user_id],
            "spelled": [*_with_prefixes("totp", world.user.totp_id), f"member-totp-test-{world.user.totp_id[-36:]}"],
        },
        credentials=credentials,
    )


def _credentials_of_member(api, person) -> dict[str, str]:
    session = complete(api, person)
    return {
        "session_token": session["session_token"],
        "session_jwt": session["session_jwt"],
        "intermediate_session_token": intermediate(api, person),
        "member_session_id": session["member_session"]["member_session_id"],
        "session_id": session["member_session"]["member_session_id"],
    }


def _credentials_of_user(api, user) -> dict[str, str]:
    session = user_session(api, user)
    session_id = session["session"]["session_id"]
    tokens = {name: session[name] for name in ("session_token", "session_jwt")}
    return {**tokens, "member_session_id": session_id, "session_id": session_id}


def test_te01_no_route_of_either_surface_reaches_through_what_is_somebody_elses(api, world, strangers):
    """Every route x every slot of path, query, body and session x {another organization's or User's, the other
    product's, deleted, unknown, other environment or kind}: no answer but a refusal, and no row changed.
    """
    before, leaks = rows_hash(), []
    counted = {"back end": 0, "page": 0}
    for slot in SLOTS:
        for owner, identifier in strangers.foreign(slot):
            counted["page" if slot.route.is_page else "back end"] += 1
            statuses = (400, 401, 404) if slot.route.is_page else (400, 404)
            answer = slot.call(api, world.values, identifier)
            if fault(answer, *statuses):
                leaks.append((str(slot), owner, identifier, answer.status_code, answer.content[:80]))
        if rows_hash() != before:
            leaks.append((str(slot), "rows changed"))
            before = rows_hash()
    print("combinations:", counted)
    assert not leaks, "\n".join(map(str, leaks))
    assert counted["back end"] > 1500
    assert counted["page"] > 700


def test_te01_what_somebody_else_left_in_a_page_is_no_part_of_a_password_login(api, world, strangers):
    """It is neither refused, lest nobody could log in any more, nor used."""
    login = {"organization_id": world.person.organization_id, "email_address": world.person.email, "password": PASSWORD}
    before, tried = rows()["Session"], 0
    for given in strangers.credentials.values():
        for token in (given["session_token"], given.get("intermediate_session_token", "")):
            done = data(Page(given["session_token"])("POST", SDK_LOGIN, {**login, "intermediate_session_token": token}))
            assert done["member_id"] == world.person.member_id
            assert done["intermediate_session_token"] not in ("", token)
            tried += 1
    assert tried == 8
    assert rows()["Session"] == before


@pytest.mark.parametrize("filters", [{}, {"statuses": ["active", "pending", "deleted"]}])
def test_te01_a_search_finds_members_of_the_named_organizations_only(api, world, filters):
    stranger = make_person(api)
    named = {"organization_ids": [world.person.organization_id]}
    answer = ok(api("POST", f"{ORGANIZATIONS}/members/search", {**named, "query": where(**filters)}))
    assert {member["organization_id"] for member in answer["members"]} == {world.person.organization_id}
    ids = [stranger.member_id, world.user.user_id, f"member-test-{world.user.user_id[-36:]}"]
    either = where(operator="OR", member_ids=ids, member_emails=[stranger.email, world.user.email], **filters)
    found = ok(api("POST", f"{ORGANIZATIONS}/members/search", {**named, "query": either}))["members"]
    assert {member["organization_id"] for member in found} <= {world.person.organization_id}


def test_te01_no_search_of_one_product_shows_what_is_of_the_other(api, world, strangers):
    for filters in (
        {"organization_ids": strangers.tenants["consumer"]},
        {"organization_slugs": ["consumers"]},
        {"organization_slug_fuzzy": "consumers"},
        {"member_emails": [world.user.email]},
        {"member_email_fuzzy": "user"},
    ):
        assert ok(api("POST", f"{ORGANIZATIONS}/search", {"query": where(**filters)}))["organizations"] == []
    for identifier in strangers.tenants["consumer"]:
        body = {"organization_ids": [identifier]}
        refused(api("POST", f"{ORGANIZATIONS}/members/search", body), 404, "organization_not_found")
    members = [world.person.member_id, f"user-test-{world.person.member_id[-36:]}"]
    for filters in (
        {"user_id": members},
        {"email_address": [world.person.email]},
        {"email_address_fuzzy": "person"},
        {"email_id": [f"email-test-{world.person.member_id[-36:]}"]},
        {"totp_id": [*strangers.totps["b2b"]]},
        {"full_name_fuzzy": "Person"},
    ):
        assert ok(api("POST", f"{USERS}/search", {"query": where(**filters)}))["results"] == []
    everybody = ok(api("POST", f"{USERS}/search", {}))["results"]
    assert len(everybody) == Member.objects.filter(organization__kind="consumer").exclude(status="deleted").count()
    listed = [one["organization_id"] for one in ok(api("POST", f"{ORGANIZATIONS}/search", {}))["organizations"]]
    assert strangers.tenants["consumer"][0] not in listed


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
    for route in (*ROUTES, *SDK_ROUTES):
        with undone():
            succeeded(route, world.request(api, route))
            assert theirs() == before, route.name


# TE-02


def _same(one, other):
    headers = [sorted(answer.headers.items()) for answer in (one, other)]
    return but_request_id(one) == but_request_id(other) and headers[0] == headers[1]


def test_te02_another_organizations_member_is_answered_for_like_nobody(api, world, strangers):
    compared = 0
    for slot in SLOTS:
        if slot.kind != "member_id" or slot.reaches_anywhere:
            continue
        nobody = slot.call(api, world.values, unknown("member"))
        assert nobody.status_code in (400, 404)
        for identifier in strangers.members["another"][:2]:
            assert _same(slot.call(api, world.values, identifier), nobody), str(slot)
            compared += 1
    assert compared >= 30


def test_te02_a_consumer_directory_is_answered_for_like_no_organization(api, world, strangers):
    for slot in SLOTS:
        if slot.kind == "organization_id":
            nobody = slot.call(api, world.values, unknown("organization"))
            for identifier in strangers.tenants["consumer"]:
                assert _same(slot.call(api, world.values, identifier), nobody), str(slot)


def test_te02_a_member_and_another_users_totp_are_answered_for_like_no_user_and_no_totp(api, world, strangers):
    compared = 0
    for slot in SLOTS:
        if slot.kind == "user_id" and not slot.route.is_page:
            nobody, others = slot.call(api, world.values, unknown("user")), strangers.users["b2b"][:1]
        elif slot.kind == "totp_id":
            nobody = slot.call(api, world.values, unknown("totp"))
            # A Member's has the form of no User's; without its prefix it is nobody's.
            others = [one.removeprefix("member-") for one in strangers.totps["b2b"]]
            others += strangers.totps["another"] if slot.route.is_page else []
        else:
            continue
        for identifier in others:
            assert _same(slot.call(api, world.values, identifier), nobody), str(slot)
            compared += 1
    assert compared >= 12


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
        for route in MEMBER_ROUTES:
            if "dangerously_get" not in route.path:
                with undone():
                    ok(send(api, route, values))


def test_every_call_takes_a_users_external_id_in_the_place_of_its_id(api, world):
    ok(api("PUT", world.user.path, {"external_id": "the-user"}))
    ok(api("PUT", world.fresh_user.path, {"external_id": "the-fresh"}))
    for route in USER_ROUTES:
        with undone():
            ok(send(api, route, {**world.values, "user_id": "the-user", "fresh_user_id": "the-fresh"}))


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
