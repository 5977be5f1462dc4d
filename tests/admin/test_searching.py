"""Lists and their search: found by names and ids, by nothing else, in as many statements whatever the number."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stytch_totp.conf import public_id
from stytch_totp.models import AuditEvent, Member, Organization, Session, TOTPRegistration
from stytch_totp.operations import support
from stytch_totp.operations.support import Act
from tests.admin.desk import ALL, REASON, at_work, colleague, limit, list_page, staff_member
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import session_of

pytestmark = pytest.mark.django_db

LISTS = ["member", "organization", "session", "auditevent", "supportrequest", "stafflimit"]


def listed(visitor, model, **query):
    answer = visitor.client.get(list_page(model), query)
    assert answer.status_code == 200, (model, query, answer.status_code)
    return [row.pk for row in answer.context["cl"].result_list]


@pytest.fixture
def ada():
    acme = OrganizationFactory.create(slug="acme", external_id="acme-external")
    made = make_member(organization=acme, email="ada@example.com", external_id="ada-external")
    enrol(made)
    session_of(made, "password", "totp")
    enrol(make_member(email="bob@example.com"))
    session_of(Member.objects.get(email="bob@example.com"), "password")
    return made


@pytest.fixture
def staff(ada):
    return staff_member(*ALL)


def test_what_is_named_is_found(staff, ada):
    session, totp = Session.objects.get(member=ada), TOTPRegistration.objects.get(member=ada)
    ids = [public_id(kind, ada.pk) for kind in ("member", "user")]
    ids += [
        public_id("session", session.pk),
        public_id("member-totp", totp.pk),
        public_id("organization", ada.organization_id),
    ]
    spelled = [form for one in ids for form in (one, one.upper(), one.replace("-test-", "-live-"), one[-36:])]
    spelled += [ada.pk.hex, f" {ada.pk} ", "ada", "ADA@example.com", "ada-external", "acme", "acme-external"]
    for text in spelled:
        assert listed(staff, "member", q=text) == [ada.pk], text
        assert listed(staff, "session", q=text) == [session.pk] or text[-36:].lower() == str(totp.pk), text
    for text in ("acme", "acm", "acme-external", public_id("organization", ada.organization_id)):
        assert listed(staff, "organization", q=text) == [ada.organization_id]
    for text in ("ada", "acme", str(ada.pk), public_id("organization", ada.organization_id)):
        found = AuditEvent.objects.filter(pk__in=listed(staff, "auditevent", q=text))
        assert {one.member_id for one in found} == {ada.pk}
    tags = AuditEvent.objects.filter(pk__in=listed(staff, "auditevent", q="member:totp:migrated"))
    assert {one.tag for one in tags} == {"member:totp:migrated"}


@pytest.mark.parametrize("text", ["%", "_", "%%%%", "____", "'", "\"'; --", "\\", "x" * 10_000, "zz", "😀", "*"])
def test_what_names_nobody_finds_nobody(staff, text):
    for model in ("member", "session", "organization", "auditevent"):
        assert listed(staff, model, q=text) == []


@pytest.mark.parametrize("text", ["\x00", "ada\x00", "\x00ada@example.com"])
# Django says that it takes no such character, and lists what it lists without a search.
def test_a_nul_byte_is_told_and_reaches_no_database(staff, text):
    for model in ("member", "session", "organization", "auditevent"):
        answer = staff.client.get(list_page(model), {"q": text})
        assert (answer.status_code, answer.context["cl"].query) == (200, "")
        assert b"Null characters are not allowed." in answer.content


def test_a_search_among_requests_doesnt_break_down(staff):
    staff.client.raise_request_exception = False
    assert staff.client.get(list_page("supportrequest"), {"q": "ada"}).status_code == 200


def test_filters_keep_what_they_say(staff, ada, clock):
    bob = Member.objects.get(email="bob@example.com")
    none = make_member(email="carol@example.com")
    bob.guards.filter(kind="totp").update(locked_until=1_800_009_000)
    Organization.objects.filter(pk=ada.organization_id).update(mfa_policy="REQUIRED_FOR_ALL")
    active = listed(staff, "member", mfa="active")
    assert {ada.pk, bob.pk} <= set(active)
    assert none.pk not in active
    assert listed(staff, "member", mfa="none") == [none.pk]
    assert listed(staff, "member", mfa="pending") == []
    assert listed(staff, "member", lock="locked") == [bob.pk]
    assert listed(staff, "member", policy="REQUIRED_FOR_ALL") == [ada.pk]
    assert listed(staff, "organization", policy="REQUIRED_FOR_ALL") == [ada.organization_id]
    assert len(listed(staff, "session", live="yes")) == 3
    clock.advance(3601)
    assert len(listed(staff, "session", live="yes", q="ada")) == 0
    tagged = AuditEvent.objects.filter(pk__in=listed(staff, "auditevent", tag="member:totp:migrated"))
    assert {one.tag for one in tagged} == {"member:totp:migrated"}
    assert len(listed(staff, "member", mfa="nonsense", lock="nonsense")) == Member.objects.count()


def one_more(number):
    organization = OrganizationFactory.create()
    member = make_member(organization=organization, email=f"more{number}@example.com")
    enrol(member)
    session_of(member, "password", "totp")
    support.do_as(at_work(colleague("view_member", "unlock_member")), Act.UNLOCK, member, reason=REASON)
    limit(colleague(), organization)


@pytest.mark.parametrize("model", LISTS)
def test_a_list_of_fifty_takes_as_many_statements_as_a_list_of_one(configure, model):
    configure(SECOND_APPROVER=True)
    staff = staff_member(superuser=True)
    one_more(0)

    def asked():
        staff.get(list_page(model))
        with CaptureQueriesContext(connection) as statements:
            rows = len(listed(staff, model))
        return rows, len(statements)

    few = asked()
    for number in range(1, 50):
        one_more(number)
    many = asked()
    print(model, few, many)
    assert many[0] >= 50 > few[0]
    assert many[1] == few[1]


@pytest.mark.parametrize("model", ["member", "organization", "session", "auditevent"])
def test_no_list_counts_whole_tables(staff, model):
    for query in ({}, {"q": "ada"}, {"_facets": "True"}):
        with CaptureQueriesContext(connection) as statements:
            listed(staff, model, **query)
        counting = [one["sql"] for one in statements if "COUNT(" in one["sql"]]
        assert counting == [], query


def test_a_page_of_the_newest_is_all_that_is_paged(staff, ada, monkeypatch):
    from stytch_totp.admin.base import CappedPaginator

    monkeypatch.setattr(CappedPaginator, "MOST", 2)
    for number in range(5):
        make_member(email=f"more{number}@example.com")
    answer = staff.client.get(list_page("member"))
    assert answer.context["cl"].result_count == 2
    assert b"These are the newest 2" in answer.content


def test_a_search_finds_whom_no_page_of_the_newest_shows(staff, ada, monkeypatch, clock):
    from stytch_totp.admin.base import CappedPaginator

    monkeypatch.setattr(CappedPaginator, "MOST", 1)
    clock.advance(60)
    newest = make_member(email="zoe@example.com")
    assert listed(staff, "member", q="ada") == [ada.pk]
    assert newest.pk in listed(staff, "member")


def test_a_report_is_not_an_event_of_an_organization(staff):
    from stytch_totp.operations.audit import Tag, record

    record(Tag.AUDIT_VERIFIED, ACTOR)
    assert listed(staff, "auditevent", tag="project:audit:verified") != []
