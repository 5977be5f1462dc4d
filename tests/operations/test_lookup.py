"""What staff find by what somebody names, and what nobody finds."""

from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp import errors
from stytch_totp.models import AuditEvent, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import lookup, members
from stytch_totp.operations.lookup import (
    find_events,
    find_member,
    find_members,
    find_organizations,
    find_sessions,
    parse_any_id,
)
from tests.admin.desk import REASON
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import fresh, session_of

pytestmark = pytest.mark.django_db

CANARY = "canary-9f3b7c51"
#: What names nobody: control characters, wild cards, quotes, ten kilobytes, and what is too short for a beginning.
NONSENSE = [
    "\x00",
    "a\x00da",
    "%",
    "_",
    "%%%",
    "___",
    "*",
    "'",
    "\"'; --",
    "\\",
    "x" * 10_000,
    "\U0001f600",
    "-",
    "ad",
]

SOMEBODY = UUID("0b9a3d5e-7c1f-4a26-9e38-5d4c2b1a0f67")


@pytest.fixture
def ada():
    """Somebody with a name of every kind, and secrets in every column that has any."""
    acme = OrganizationFactory.create(slug="acme", external_id="acme-external", name="Acme")
    made = make_member(
        organization=acme,
        email="Ada.Lovelace@Example.com",
        name=f"name {CANARY}",
        external_id="ada-external",
        password=CANARY,
        trusted_metadata={"key": CANARY},
        untrusted_metadata={"key": CANARY},
        mfa_phone_number="+15005550006",
        roles=[CANARY],
        user=User.objects.create_user("countess", password="x"),
    )
    enrol(made)
    session_of(made, "password", "totp")
    Session.objects.filter(member=made).update(claims={"key": CANARY}, user_agent=CANARY, ip_address="203.0.113.7")
    make_member(organization=OrganizationFactory.create(slug="globex"), email="bob@example.org")
    return fresh(made)


def spellings(key: UUID, kind: str) -> list[str]:
    bare = [str(key), key.hex, str(key).upper(), f"  {key} ", f"urn:uuid:{key}", f"{{{key}}}"]
    return [*bare, *(f"{kind}-{environment}-{key}" for environment in ("test", "live")), f"{kind}-LIVE-{key}".upper()]


def ids_of(member):
    """Ids that lead to the member, by the kind that stands before them."""
    session, totp = Session.objects.get(member=member), TOTPRegistration.objects.get(member=member)
    return {
        "member": member.pk,
        "user": member.pk,
        "session": session.pk,
        "member-totp": totp.pk,
        "totp": totp.pk,
        "organization": member.organization_id,
    }


class TestMembers:
    def test_by_each_id_in_each_form(self, ada):
        tried = 0
        for kind, key in ids_of(ada).items():
            for text in spellings(key, kind):
                assert list(find_members(Member.objects.all(), text)) == [ada], text
                tried += 1
        print(f"{tried} spellings")

    @pytest.mark.parametrize(
        "text",
        [
            "ada.lovelace@example.com",
            "ADA.LOVELACE@EXAMPLE.COM",
            "ada",
            "Ada.Love",
            "ada-external",
            "countess",
            "acme",
            "acme-external",
        ],
    )
    def test_by_each_name(self, ada, text):
        assert list(find_members(Member.objects.all(), text)) == [ada]

    @pytest.mark.parametrize(
        "text", [*NONSENSE, CANARY, "lovelace", "+15005550006", "203.0.113.7", "counte", "example.com"]
    )
    def test_by_nothing_else(self, ada, text):
        assert list(find_members(Member.objects.all(), text)) == []

    def test_two_letters_are_an_address_and_no_beginning(self, ada):
        short = make_member(email="ad")
        assert list(find_members(Member.objects.all(), "AD")) == [short]

    def test_a_deleted_member_is_found_by_id(self, ada):
        members.delete(ada, actor=ACTOR)
        assert list(find_members(Member.objects.all(), str(ada.pk))) == [ada]
        assert list(find_members(Member.objects.all(), "ada.lovelace@example.com")) == []

    def test_only_among_the_rows_given(self, ada):
        others = Member.objects.exclude(pk=ada.pk)
        for text in ("ada", "ada-external", "countess", "acme", *map(str, ids_of(ada).values())):
            assert list(find_members(others, text)) == []

    def test_an_id_of_nobody_finds_nobody(self, ada):
        assert list(find_members(Member.objects.all(), str(uuid4()))) == []


class TestOrganizations:
    @pytest.mark.parametrize("text", ["acme", "acm", "acme-external"])
    def test_by_each_name(self, ada, text):
        assert [one.slug for one in find_organizations(Organization.objects.all(), text)] == ["acme"]

    def test_by_id_in_each_form(self, ada):
        for text in spellings(ada.organization_id, "organization"):
            assert list(find_organizations(Organization.objects.all(), text)) == [ada.organization], text

    @pytest.mark.parametrize("text", [*NONSENSE, "ac", "cme", "acme-ext", CANARY])
    def test_by_nothing_else(self, ada, text):
        assert list(find_organizations(Organization.objects.all(), text)) == []


class TestSessions:
    def test_by_its_own_id_in_each_form(self, ada):
        session_of(ada, "password")
        first = Session.objects.order_by("pk")[0]
        for text in spellings(first.pk, "session"):
            assert list(find_sessions(Session.objects.all(), text, Member.objects.all())) == [first], text

    @pytest.mark.parametrize("text", ["ada.lovelace@example.com", "ada", "ada-external", "countess", "acme"])
    def test_by_what_finds_its_member(self, ada, text):
        session_of(make_member(), "password")
        assert [one.member for one in find_sessions(Session.objects.all(), text, Member.objects.all())] == [ada]
        assert [one.member for one in find_sessions(Session.objects.all(), str(ada.pk), Member.objects.all())] == [ada]

    @pytest.mark.parametrize("text", [*NONSENSE, CANARY, "203.0.113.7"])
    def test_by_nothing_else(self, ada, text):
        assert list(find_sessions(Session.objects.all(), text, Member.objects.all())) == []


class TestEvents:
    def test_by_tag(self, ada):
        found = find_events(AuditEvent.objects.all(), "member:totp:migrated", Member.objects.all())
        assert {one.tag for one in found} == {"member:totp:migrated"}
        assert list(find_events(AuditEvent.objects.all(), "member:totp", Member.objects.all())) == []

    @pytest.mark.parametrize("text", ["ada.lovelace@example.com", "ada", "ada-external", "countess", "acme"])
    def test_by_what_finds_the_member_or_the_organization(self, ada, text):
        enrol(make_member())
        assert {one.member_id for one in find_events(AuditEvent.objects.all(), text, Member.objects.all())} == {ada.pk}

    def test_by_the_id_of_somebody_who_is_gone(self, ada):
        for key in (ada.pk, ada.organization_id):
            assert {one.member_id for one in find_events(AuditEvent.objects.all(), key.hex, Member.objects.all())} == {
                ada.pk
            }
        key, tenant = ada.pk, ada.organization_id
        Organization.objects.filter(pk=tenant).delete()
        assert find_events(AuditEvent.objects.all(), str(key), Member.objects.all()).exists()
        assert find_events(AuditEvent.objects.all(), str(tenant), Member.objects.all()).exists()

    @pytest.mark.parametrize("text", [*NONSENSE, CANARY, REASON])
    def test_by_nothing_else(self, ada, text):
        AuditEvent.objects.create(
            at=1, tag="member:mfa:reset", outcome="success", actor_kind="staff", actor_id=CANARY, reason=REASON
        )
        assert list(find_events(AuditEvent.objects.all(), text, Member.objects.all())) == []


class TestOne:
    """The one member that a command is about."""

    def test_by_id_whole_address_or_external_id(self, ada):
        for text in (*spellings(ada.pk, "member"), "ADA.lovelace@example.com", "ada-external"):
            assert find_member(text) == ada
            assert find_member(text, "acme") == ada

    @pytest.mark.parametrize("text", [*NONSENSE, "", "ada", "ada.lovelace", "countess", "acme", CANARY, str(SOMEBODY)])
    def test_by_nothing_else(self, ada, text):
        with pytest.raises(errors.MemberNotFound):
            find_member(text)

    def test_in_the_organization_that_is_named_alone(self, ada):
        with pytest.raises(errors.MemberNotFound):
            find_member("ada-external", "globex")
        with pytest.raises(errors.OrganizationNotFound):
            find_member("ada-external", "nobody")

    def test_of_several_none_is_guessed(self, ada):
        other = make_member(email="ada.lovelace@example.com")
        with pytest.raises(Member.MultipleObjectsReturned):
            find_member("ada.lovelace@example.com")
        assert find_member("ada.lovelace@example.com", other.organization.slug) == other

    def test_nobody_who_was_deleted(self, ada):
        members.delete(ada, actor=ACTOR)
        with pytest.raises(errors.MemberNotFound):
            find_member(str(ada.pk))


class TestIDs:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "member",
            "member-test-",
            "member-test-1234",
            "1234",
            "x" * 36,
            "g" * 32,
            f"{SOMEBODY}x",
            f"member-{SOMEBODY}",
            f"member-prod-{SOMEBODY}",
            f"member-test-{SOMEBODY.hex}",
        ],
    )
    def test_what_is_no_id(self, text):
        assert parse_any_id(text) is None

    def test_what_is_one(self):
        key = uuid4()
        for text in spellings(key, "jwk"):
            assert parse_any_id(text) == key


def test_te10_whose_rows_are_given_are_not_crowded_out_by_others(monkeypatch):
    monkeypatch.setattr(lookup, "MOST_NAMED", 5)
    for _ in range(20):
        make_member(email=f"info@{uuid4().hex}.example", external_id="same")
    mine = make_member(email="info@zzz.example", external_id="same")
    session_of(mine, "password")
    colleagues = Member.objects.filter(organization=mine.organization_id)
    rows = {
        "sessions": find_sessions(
            Session.objects.filter(member__organization=mine.organization_id), "info@", colleagues
        ),
        "members": find_members(colleagues, "same"),
    }
    assert {name: found.count() for name, found in rows.items()} == {"sessions": 1, "members": 1}


def test_how_many_there_are_doesnt_matter_to_how_much_is_asked(ada):
    def asked():
        counts = []
        for find, model in ((find_members, Member), (find_sessions, Session), (find_events, AuditEvent)):
            for text in ("ada", "acme", str(ada.pk)):
                with CaptureQueriesContext(connection) as statements:
                    list(find(model.objects.all(), text, *([] if model is Member else [Member.objects.all()])))
                counts.append(len(statements))
        return counts

    before = asked()
    for number in range(20):
        one = make_member(organization=ada.organization, email=f"ada{number}@example.com")
        session_of(one, "password")
        enrol(one)
    assert asked() == before
    assert max(before) <= 10
