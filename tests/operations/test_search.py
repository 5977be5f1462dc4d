"""Searches of Users, filter by filter; those of organizations and members are tried through the API."""

import pytest
from django.contrib.auth.models import User

from stytch_totp import errors
from stytch_totp.core.ids import timestamp
from stytch_totp.models import Member
from stytch_totp.operations import enrolment, filters, organizations, search
from tests.factories import ACTOR, MemberFactory, enrol, make_member
from tests.operations.situations import fresh, refusal, user

pytestmark = pytest.mark.django_db

AT = 1_800_000_000
NOBODY, EVERYBODY = "", "ada bob cyd"


@pytest.fixture
def people():
    """Three Users, a deleted one, and a member of a tenant who has it all."""
    rich = {"mfa_phone_verified": True, "email_verified": True, "password": "x"}
    ada = user(email="Ada@Example.com", name="Ada Lovelace", mfa_phone_number="+15005550006", created_at=AT, **rich)
    linked = User.objects.create_user("bob")
    bob = user(
        email="bob@example.org", email_verified=False, name="Bob", status="pending", created_at=AT + 60, user=linked
    )
    cyd = user(email="", email_key=None, email_verified=True, mfa_phone_number="+4915112345678", created_at=AT + 120)
    user(email="ada@example.net", status="deleted", mfa_phone_number="+15005550006", created_at=AT + 60, **rich)
    stranger = make_member(email="ada@example.com", name="Ada", mfa_phone_number="+15005550006", created_at=AT, **rich)
    for one in (ada, stranger):
        enrol(one)
    enrolment.create(bob, proof=None, actor=ACTOR)
    return {"ada": fresh(ada), "bob": fresh(bob), "cyd": cyd, "stranger": stranger}


def ids_of(people, kind, names):
    return [f"{kind}-test-{people[name].pk}" for name in names.split()]


def totps_of(people, names, kind="totp"):
    return [f"{kind}-test-{people[name].registrations.get().pk}" for name in names.split()]


#: A filter, its value (or how it is made of the people), and whom it finds.
FOUND = [
    ("created_at_greater_than", timestamp(AT), "bob cyd"),
    ("created_at_greater_than", timestamp(AT + 120), NOBODY),
    ("created_at_less_than", timestamp(AT + 60), "ada"),
    ("created_at_less_than", "2027-01-15T09:01:00+01:00", "ada"),
    ("created_at_between", {"greater_than": timestamp(AT), "less_than": timestamp(AT + 120)}, "bob"),
    ("created_at_between", {"greater_than": timestamp(AT + 120), "less_than": timestamp(AT)}, NOBODY),
    ("status", "active", "ada cyd"),
    ("status", "pending", "bob"),
    ("status", "deleted", NOBODY),
    ("status", "no such status", NOBODY),
    ("user_id", lambda people: ids_of(people, "user", "ada cyd stranger"), "ada cyd"),
    ("user_id", lambda people: ids_of(people, "member", "ada"), NOBODY),
    ("user_id", ["x", ""], NOBODY),
    ("full_name_fuzzy", "LOVE", "ada"),
    ("full_name_fuzzy", "%%%", NOBODY),
    ("email_address", ["ADA@example.com", "nobody@example.com"], "ada"),
    ("email_address", [""], NOBODY),
    ("email_id", lambda people: ids_of(people, "email", "ada bob cyd"), "ada bob"),
    ("email_id", lambda people: ids_of(people, "user", "ada"), NOBODY),
    ("email_verified", True, "ada"),
    ("email_verified", False, "bob cyd"),
    ("email_address_fuzzy", "EXAMPLE.", "ada bob"),
    ("phone_number", ["+4915112345678", "+1"], "cyd"),
    ("phone_id", lambda people: ids_of(people, "phone-number", "ada bob cyd"), "ada cyd"),
    ("phone_verified", True, "ada"),
    ("phone_verified", False, "bob cyd"),
    ("phone_number_fuzzy", "511", "cyd"),
    ("totp_id", lambda people: totps_of(people, "ada bob stranger"), "ada bob"),
    ("totp_id", lambda people: totps_of(people, "ada", "member-totp"), NOBODY),
    ("totp_verified", True, "ada"),
    ("totp_verified", False, "bob"),
    ("password_exists", True, "ada bob"),
    ("password_exists", False, "cyd"),
    ("oauth_provider", ["google"], NOBODY),
    ("webauthn_registration_id", ["x"], NOBODY),
    ("webauthn_registration_verified", True, NOBODY),
    ("webauthn_registration_verified", False, EVERYBODY),
    ("crypto_wallet_id", ["x"], NOBODY),
    ("crypto_wallet_address", ["x"], NOBODY),
    ("crypto_wallet_verified", True, NOBODY),
    ("crypto_wallet_verified", False, EVERYBODY),
]


def find(*operands, any_of=False, cursor=None, limit=100):
    return search.users(search.Query(operands, any_of=any_of), cursor=cursor, limit=limit)


def names(people, page):
    known = {one.pk: name for name, one in people.items()}
    return " ".join(known[row.pk] for row in page.rows)


@pytest.mark.parametrize(
    ("name", "value", "found"), FOUND, ids=lambda value: "made of the people" if callable(value) else str(value)[:40]
)
def test_a_filter_finds_its_users_and_no_member_and_nobody_deleted(people, name, value, found):
    page = find((name, value(people) if callable(value) else value))
    assert (names(people, page), page.total, page.next_cursor) == (found, len(found.split()), None)


def test_every_filter_is_tried():
    assert {name for name, _, _ in FOUND} == set(filters.USER)


def test_without_a_filter_every_user_is_found(people):
    assert names(people, find()) == EVERYBODY


@pytest.mark.parametrize(("any_of", "found"), [(False, "bob"), (True, EVERYBODY)])
def test_filters_hold_together_or_one_by_one(people, any_of, found):
    both = ("created_at_greater_than", timestamp(AT)), ("email_address_fuzzy", "example")
    assert names(people, find(*both, any_of=any_of)) == found


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_cursor_leads_through_the_pages(people, size):
    pages, cursor = [], None
    while cursor or not pages:
        page = find(cursor=cursor, limit=size)
        assert page.total == 3
        pages.append(names(people, page))
        cursor = page.next_cursor
    assert " ".join(pages) == EVERYBODY
    assert len(pages) == -(-3 // size)


@pytest.mark.parametrize("cursor", ["x", "§", "MTIz", "MTIzfHg=", "fA==", "MTIz" * 1000, "MTI=="])
def test_a_cursor_that_no_search_gave_out_is_refused(people, cursor):
    with pytest.raises(errors.BadRequest, match="cursor"):
        find(cursor=cursor)


@pytest.mark.parametrize(("name", "listed"), [("member_roles", 20), ("member_roles", 21)])
def test_values_that_are_looked_for_one_by_one_are_few(people, name, listed):
    query = search.Query([(name, [f"role-{number}" for number in range(listed)])])
    refused = refusal(lambda: search.members([people["stranger"].organization], query, cursor=None, limit=10))
    assert refused is (errors.BadRequest if listed > filters.MOST_LISTED else None)


NO_TEXTS = ["x", [], [1], None, {}, [None], True]
NO_TEXT = [1, None, [], True, {}]
NO_FLAG = ["true", 0, None, []]
NO_TIME = [*NO_TEXT, "", "yesterday", "2027-01-15", "2027-01-15T08:00:00", "1800000000"]
NO_FUZZY = [*NO_TEXT, "", "ab", "a" * 257]
BAD = {
    **dict.fromkeys(("user_id", "email_address", "email_id", "phone_number", "phone_id", "totp_id"), NO_TEXTS),
    **dict.fromkeys(
        ("oauth_provider", "webauthn_registration_id", "crypto_wallet_id", "crypto_wallet_address"), NO_TEXTS
    ),
    **dict.fromkeys(("full_name_fuzzy", "email_address_fuzzy", "phone_number_fuzzy"), NO_FUZZY),
    **dict.fromkeys(("email_verified", "phone_verified", "totp_verified", "password_exists"), NO_FLAG),
    **dict.fromkeys(("webauthn_registration_verified", "crypto_wallet_verified"), NO_FLAG),
    **dict.fromkeys(("created_at_greater_than", "created_at_less_than"), NO_TIME),
    "created_at_between": [
        *NO_TEXT,
        timestamp(AT),
        {"greater_than": timestamp(AT)},
        {"less_than": timestamp(AT)},
        {"greater_than": timestamp(AT), "less_than": 7},
    ],
    "status": NO_TEXT,
}


@pytest.mark.parametrize("name", filters.USER)
def test_a_value_of_another_type_is_refused(name):
    organizations.consumer()
    for value in BAD[name]:
        assert refusal(lambda value=value: find((name, value))) is errors.BadRequest, value


@pytest.mark.parametrize("name", ["member_ids", "organization_ids", "totp_registration_id", "", "x" * 1000, "pk"])
def test_an_unknown_filter_is_refused_and_quoted_in_part(name):
    with pytest.raises(errors.UserSearchFilter) as refused:
        find((name, ["x"]))
    assert len(str(refused.value)) < 120


def test_te06_a_search_of_members_finds_no_user(people):
    stranger = people["stranger"]
    page = search.members([stranger.organization], search.Query(), cursor=None, limit=10)
    assert [row.pk for row in page.rows] == [stranger.pk]
    tenants = search.organizations(search.Query(), cursor=None, limit=10)
    assert [row.pk for row in tenants.rows] == [stranger.organization_id]


def test_a_page_of_users_takes_as_many_statements_as_one(people, django_assert_num_queries):
    MemberFactory.create_batch(5, organization=people["ada"].organization)
    with django_assert_num_queries(4):
        described = [(row.active_totp_id, row.lock, row.all_roles) for row in find().rows]
    assert len(described) == 8
    assert Member.objects.count() == 10
