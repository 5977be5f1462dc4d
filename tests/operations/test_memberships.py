"""Django users, and the members that stand for them."""

from contextlib import contextmanager
from itertools import product
from types import SimpleNamespace

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Guard, Member, Organization
from stytch_totp.operations import enrolment, members, organizations, users
from stytch_totp.operations.users import Membership, find_member, memberships, sync_user
from tests.clock import CLOCK
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import fresh, refusal
from tests.operations.situations import user as consumer_user

pytestmark = pytest.mark.django_db

EMAIL = "ada@example.com"


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", EMAIL, first_name="Ada", last_name="Lovelace")


def colleague(email=EMAIL, **fields):
    return get_user_model().objects.create_user(f"user{get_user_model().objects.count()}", email, **fields)


def state(member):
    """All that the row says, but when it was touched."""
    row = Member.objects.filter(pk=member.pk).values().get()
    return {name: value for name, value in row.items() if name != "updated_at"}


def tags():
    return list(AuditEvent.objects.order_by("pk").values_list("tag", flat=True))


@contextmanager
def nothing_written():
    """No statement changes a row, and so nothing is on record."""
    with CaptureQueriesContext(connection) as caught:
        yield
    assert {query["sql"].split()[0] for query in caught.captured_queries} <= {"SELECT"}


# Memberships


def test_a_user_without_members_has_no_memberships(ada):
    make_member(email=EMAIL)
    assert memberships(ada) == []


def test_memberships_are_those_of_living_members_oldest_first_in_one_statement(ada, django_assert_num_queries):
    newer = make_member(user=ada, created_at=1_700_000_002)
    older = make_member(user=ada, created_at=1_700_000_001, status="pending")
    gone = make_member(user=ada, created_at=1_700_000_000)
    Member.objects.filter(pk=gone.pk).update(status="deleted")
    make_member(user=colleague())
    enrol(newer)
    with django_assert_num_queries(1):
        found = memberships(ada)
        told = [(one.member, one.member.organization.name, one.enrolled, one.mfa_required) for one in found]
    assert told == [(older, older.organization.name, False, False), (newer, newer.organization.name, True, False)]


def test_members_made_in_the_same_second_stand_in_one_order(ada):
    """By primary key, as the database sorts it: MariaDB has an order of its own for UUIDs."""
    for _ in range(5):
        make_member(user=ada)
    by_key = list(Member.objects.filter(user=ada).order_by("pk").values_list("pk", flat=True))
    assert [one.member.pk for one in memberships(ada)] == by_key


def test_en04_a_pending_totp_is_no_totp(ada):
    member = make_member(user=ada)
    enrolment.create(member, proof=None, actor=ACTOR)
    assert [one.enrolled for one in memberships(ada)] == [False]


REQUIRED = {
    # (organization's policy, member's own choice): a Member owes a factor, whether there is one or not
    ("OPTIONAL", False): False,
    ("OPTIONAL", True): True,
    ("REQUIRED_FOR_ALL", False): True,
    ("REQUIRED_FOR_ALL", True): True,
}


@pytest.mark.parametrize(("policy", "chosen"), REQUIRED)
@pytest.mark.parametrize("has_totp", [False, True])
@pytest.mark.parametrize("of_users", [False, True])
def test_of_members_a_factor_is_asked_as_the_api_does(configure, policy, chosen, has_totp, of_users):
    configure(USERS_REQUIRE_MFA=of_users)
    member = Member(organization=Organization(mfa_policy=policy), mfa_enrolled=chosen)
    assert Membership(member, enrolled=has_totp).mfa_required is REQUIRED[policy, chosen]


@pytest.mark.parametrize(("policy", "chosen"), REQUIRED)
@pytest.mark.parametrize(("of_users", "has_totp"), list(product([False, True], repeat=2)))
def test_of_users_a_factor_is_asked_as_the_settings_say_or_if_there_is_one_or_support_asks_for_it(
    configure, policy, chosen, of_users, has_totp
):
    configure(USERS_REQUIRE_MFA=of_users)
    directory = Organization(kind=Organization.Kind.CONSUMER, mfa_policy=policy)
    found = Membership(Member(organization=directory, mfa_enrolled=chosen), enrolled=has_totp)
    assert found.mfa_required is (of_users or has_totp or chosen)


def test_a_member_is_found_with_its_organization_by_its_key(member, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert find_member(member.pk).organization == member.organization
    with pytest.raises((Member.DoesNotExist, errors.StytchError)):
        find_member(member.organization_id)


# Members that follow users


@pytest.fixture(params=["tenant", "users"])
def directory(request, organization):
    """What ``sync_user`` is given: an organization, or None for the directory of plain Users."""
    return organization if request.param == "tenant" else None


def test_a_member_is_made_that_can_enrol_at_once(ada, directory):
    made = sync_user(ada, directory)
    assert (made.user_id, made.email, made.name, made.status) == (ada.pk, EMAIL, "Ada Lovelace", "active")
    assert made.organization == (directory or organizations.consumer())
    assert fresh(made) == made
    assert Guard.objects.filter(member=made).count() == len(Guard.Kind)
    assert tags() == ["member:member:created"]
    assert AuditEvent.objects.get().actor_kind == "system"
    assert enrolment.create(made, proof=None, actor=ACTOR).secret


def test_a_second_call_writes_nothing(ada, directory):
    made = sync_user(ada, directory)
    CLOCK.advance(60)
    with nothing_written():
        assert sync_user(ada, directory) == made
    assert tags() == ["member:member:created"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"email": "countess@example.com"}, {"email": "countess@example.com", "email_key": "countess@example.com"}),
        ({"email": "Ada@Example.com"}, {"email": "Ada@Example.com", "email_key": EMAIL}),
        ({"first_name": "Augusta Ada"}, {"name": "Augusta Ada Lovelace"}),
        ({"first_name": "", "last_name": ""}, {"name": ""}),
        ({"last_name": "x" * 150, "first_name": "y" * 150}, {"name": f"{'y' * 150} {'x' * 150}"[:255]}),
    ],
    ids=["address", "capitals", "name", "no name", "long name"],
)
def test_a_member_follows_its_users_address_and_name_and_nothing_else_changes(ada, directory, changes, expected):
    before = state(sync_user(ada, directory))
    for name, value in changes.items():
        setattr(ada, name, value)
    found = sync_user(ada, directory)
    assert state(found) == before | expected
    assert tags() == ["member:member:created", "member:member:updated"]
    with nothing_written():
        sync_user(ada, directory)


@pytest.mark.parametrize(("given", "verified"), [({}, False), ({"email_verified": True}, True)])
def test_an_address_is_verified_by_the_callers_word_alone(ada, directory, given, verified):
    assert sync_user(ada, directory, **given).email_verified is verified
    ada.email = "countess@example.com"
    assert sync_user(ada, directory, **given).email_verified is verified


def test_the_word_holds_as_long_as_the_address(ada, directory):
    assert sync_user(ada, directory, email_verified=True).email_verified
    assert sync_user(ada, directory).email_verified
    ada.email = "countess@example.com"
    assert not sync_user(ada, directory).email_verified


def test_a_user_has_a_member_in_each_directory(ada, organization):
    other = OrganizationFactory.create()
    made = [sync_user(ada, one) for one in (organization, other, None)]
    assert len({one.pk for one in made}) == 3
    assert [sync_user(ada, one) for one in (organization, other, None)] == made
    assert {one.member for one in memberships(ada)} == set(made)


def test_a_member_with_the_same_address_is_not_taken_over(ada, organization):
    """Whoever could give a Django user a colleague's address would act as that colleague."""
    known = make_member(organization=organization, email=EMAIL)
    before = state(known)
    assert refusal(lambda: sync_user(ada, organization, email_verified=True)) is errors.DuplicateMemberEmail
    assert state(known) == before
    assert (Member.objects.count(), memberships(ada)) == (1, [])


def test_a_user_with_the_same_address_is_not_taken_over(ada):
    known = consumer_user(email=EMAIL)
    before = state(known)
    made = sync_user(ada, email_verified=True)
    assert (made.pk != known.pk, made.user_id, made.email) == (True, ada.pk, "")
    assert state(known) == before


def test_an_address_of_another_organizations_member_is_nobodys_here(ada, organization):
    make_member(email=EMAIL)
    assert sync_user(ada, organization).email == EMAIL


BAD = ["no address", "ada@", "ada@example", "ada@b\u00fccher.example", f"ada@{'b' * 64}.example"]


@pytest.mark.parametrize("email", BAD, ids=ascii)
def test_among_users_a_malformed_address_is_left_out(email):
    made = sync_user(colleague(email, first_name="Ada"))
    assert (made.email, made.email_key, made.name) == ("", None, "Ada")


@pytest.mark.parametrize("email", [*BAD, ""], ids=ascii)
def test_for_a_tenant_a_malformed_address_is_refused(organization, email):
    assert refusal(lambda: sync_user(colleague(email), organization)) is errors.InvalidEmail
    assert not Member.objects.exists()


@pytest.mark.parametrize("email", [*BAD, ""], ids=ascii)
def test_for_a_tenant_a_change_to_a_malformed_address_is_refused_and_changes_nothing(ada, organization, email):
    before = state(sync_user(ada, organization))
    ada.email, ada.first_name = email, "Augusta"
    assert refusal(lambda: sync_user(ada, organization)) is errors.InvalidEmail
    assert state(Member.objects.get()) == before


def test_for_a_tenant_a_change_to_a_colleagues_address_is_refused_and_changes_nothing(ada, organization):
    before = state(sync_user(ada, organization))
    make_member(organization=organization, email="charles@example.com")
    ada.email, ada.first_name = "Charles@example.com", "Augusta"
    assert refusal(lambda: sync_user(ada, organization)) is errors.DuplicateMemberEmail
    assert state(Member.objects.get(pk=before["id"])) == before


@pytest.mark.parametrize("email", ["no address", "charles@example.com"])
def test_among_users_a_change_to_an_unusable_address_leaves_the_former_one(ada, email):
    made = sync_user(ada)
    sync_user(colleague("charles@example.com"))
    ada.email, ada.first_name = email, "Augusta"
    found = sync_user(ada)
    assert (found.pk, found.email, found.email_key, found.name) == (made.pk, EMAIL, EMAIL, "Augusta Lovelace")


@pytest.mark.parametrize("email", ["no address", "charles@example.com"])
def test_the_word_for_an_address_that_is_left_out_is_not_one_for_the_former(ada, email):
    """Else the address of a stranger, once claimed and never proved, would become a verified one."""
    sync_user(ada)
    sync_user(colleague("charles@example.com"))
    ada.email = email
    found = sync_user(ada, email_verified=True)
    assert (found.email, found.email_verified) == (EMAIL, False)


@pytest.mark.parametrize("email", ["no address", EMAIL, ""])
@pytest.mark.parametrize("given", [{}, {"email_verified": True}], ids=str)
def test_a_user_whose_address_is_left_out_is_not_written_again_and_again(ada, email, given):
    sync_user(ada)
    other = colleague(email)
    made, before = sync_user(other, **given), tags()
    CLOCK.advance(60)
    assert sync_user(other, **given) == made
    assert (tags(), fresh(made).updated_at) == (before, made.updated_at)


def test_two_users_with_one_address_are_two_users_and_the_first_has_it(ada):
    other = colleague(EMAIL.upper())
    first, second = sync_user(ada), sync_user(other)
    assert [(one.user_id, one.email) for one in (first, second)] == [(ada.pk, EMAIL), (other.pk, "")]


def test_users_without_an_address_do_not_collide():
    made = [sync_user(colleague("")) for _ in range(3)]
    assert {(one.email, one.email_key) for one in made} == {("", None)}
    assert len({one.pk for one in made}) == 3


def test_an_address_that_is_given_up_is_free_for_somebody_else(ada):
    made = sync_user(ada)
    ada.email = ""
    assert state(sync_user(ada)) == state(made) | {"email": "", "email_key": None}
    assert members.by_email(organizations.consumer(), EMAIL) is None
    assert sync_user(colleague(EMAIL)).email == EMAIL


def test_a_user_that_has_neither_full_name_nor_address_will_do(ada):
    """What ``AbstractBaseUser`` promises, and nothing more."""
    plain = SimpleNamespace(pk=ada.pk, get_email_field_name=lambda: "email")
    made = sync_user(plain)
    assert (made.user_id, made.email, made.name) == (ada.pk, "", "")


@pytest.mark.parametrize("email", ["", None])
def test_an_address_under_another_name_is_found_and_may_be_null(ada, email):
    plain = SimpleNamespace(pk=ada.pk, get_email_field_name=lambda: "post", post=EMAIL, get_full_name=lambda: "Ada")
    assert sync_user(plain).email == EMAIL
    plain.post = email
    assert sync_user(plain).email == ""


def overtaken(monkeypatch):
    """As if another request had made the member just after this one looked for it."""
    find, looks = users._stands_for, []

    def look(user, directory):
        looks.append(directory)
        return None if len(looks) == 1 else find(user, directory)

    monkeypatch.setattr(users, "_stands_for", look)


@pytest.mark.parametrize("email", [EMAIL, ""])
def test_two_requests_that_make_a_user_at_once_make_one(ada, monkeypatch, email):
    ada.email = email
    made = sync_user(ada)
    overtaken(monkeypatch)
    assert state(sync_user(ada)) == state(made)
    assert Member.objects.count() == 1


def test_two_requests_that_make_a_member_at_once_make_one(ada, organization, monkeypatch):
    made = sync_user(ada, organization)
    overtaken(monkeypatch)
    assert state(sync_user(ada, organization)) == state(made)
    assert Member.objects.count() == 1


def test_a_member_made_meanwhile_by_an_older_address_is_brought_up_to_date_or_refused(ada, organization, monkeypatch):
    made = sync_user(ada, organization)
    overtaken(monkeypatch)
    ada.email = "countess@example.com"
    assert refusal(lambda: sync_user(ada, organization)) is errors.DuplicateMemberExternalID
    assert state(Member.objects.get()) == state(made)
    assert sync_user(ada, organization).email == "countess@example.com"
