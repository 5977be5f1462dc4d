"""What an administrator does at a page, what a member without that role may not, and one person in two organizations
(contract 3.9, the calls marked by †, and discovery).
"""

import pytest

from tests.contract.situations import PASSWORD
from tests.e2e.browser import BROWSER_TESTS, IST, JWT, SESSION, refused
from tests.e2e.people import elsewhere, enrol, factors, log_in, verify

pytestmark = BROWSER_TESTS

FORBIDDEN = (403, "session_authorization_error")


@pytest.fixture
def admin(b2b, new):
    """An administrator, logged in with a second factor at the page ``b2b``."""
    person = new(enrolled=True, roles=["stytch_admin"])
    log_in(b2b, person)
    verify(b2b, person)
    return person


def test_an_administrator_updates_the_organization(b2b, admin):
    changed = b2b.organization.update(mfa_policy="REQUIRED_FOR_ALL", organization_name="Renamed")["organization"]
    assert (changed["mfa_policy"], changed["organization_name"]) == ("REQUIRED_FOR_ALL", "Renamed")
    assert b2b.organization.getSync() == changed == b2b.organization.get()


def test_an_administrator_finds_the_members_of_the_organization_and_no_others(b2b, admin, new):
    colleague = new(admin.organization_id)
    new()
    everyone = b2b.organization.members.search({})
    assert {member["member_id"] for member in everyone["members"]} == {admin.member_id, colleague.member_id}
    assert everyone["results_metadata"]["total"] == 2
    operands = [{"filter_name": "member_emails", "filter_value": [colleague.email]}]
    found = b2b.organization.members.search(query={"operator": "AND", "operands": operands}, limit=10)
    assert [member["member_id"] for member in found["members"]] == [colleague.member_id]
    assert found["organizations"].keys() == {admin.organization_id}


def test_an_administrator_removes_the_totp_of_a_colleague_and_of_no_one_else(b2b, admin, new):
    colleague, stranger = new(admin.organization_id, enrolled=True), new(enrolled=True)
    removed = b2b.organization.members.deleteMFATOTP(colleague.member_id)
    assert removed["member"]["totp_registration_id"] == "" == colleague.member.totp_registration_id
    assert refused(b2b.organization.members.deleteMFATOTP, stranger.member_id) == (404, "member_not_found")
    assert stranger.member.totp_registration_id


def test_an_administrator_without_a_second_factor_removes_nobodys_totp(b2b, new):
    person = new(roles=["stytch_admin"])
    colleague = new(person.organization_id, enrolled=True)
    log_in(b2b, person)
    remove = b2b.organization.members.deleteMFATOTP
    assert refused(remove, colleague.member_id) == (401, "insufficient_factors")
    assert colleague.member.totp_registration_id


def test_an_administrator_ends_the_sessions_of_a_colleague(b2b, visit, admin, new):
    colleague, theirs = new(admin.organization_id), visit("b2b")
    log_in(theirs, colleague)
    b2b.session.revokeForMember(member_id=colleague.member_id)
    assert refused(theirs.session.authenticate) == (404, "session_not_found")
    assert theirs.cookies == {}
    assert b2b.session.authenticate()["member"]["member_id"] == admin.member_id


def test_an_administrator_deletes_the_organization(b2b, admin):
    slug = b2b.organization.getSync()["organization_slug"]
    assert b2b.organization.delete()["organization_id"] == admin.organization_id
    assert b2b.cookies == {}
    assert b2b.organization.getBySlug(organization_slug=slug)["organization"] is None


def test_a_member_administers_nobody_else(b2b, new):
    person = new()
    colleague = new(person.organization_id, enrolled=True)
    log_in(b2b, person)
    for call, argument in (
        (b2b.organization.update, {"mfa_policy": "REQUIRED_FOR_ALL"}),
        (b2b.organization.delete, None),
        (b2b.organization.members.search, {}),
        (b2b.organization.members.deleteMFATOTP, colleague.member_id),
        (b2b.session.revokeForMember, {"member_id": colleague.member_id}),
    ):
        assert refused(call, argument) == FORBIDDEN, call.path
    assert colleague.member.totp_registration_id
    b2b.session.revokeForMember(member_id=person.member_id)
    assert refused(b2b.session.authenticate) == (404, "session_not_found")


def test_a_page_finds_an_organization_by_its_slug_before_the_login_and_learns_what_a_login_needs(b2b, new, server):
    known = server.organizations.get(new().organization_id).organization
    found = b2b.organization.getBySlug(organization_slug=known.organization_slug)["organization"]
    assert (found["organization_id"], found["mfa_policy"]) == (known.organization_id, "OPTIONAL")
    assert "trusted_metadata" not in found
    assert b2b.organization.getBySlug(organization_slug="no-such-organization")["organization"] is None


def test_a_session_is_exchanged_for_a_login_that_owes_the_other_organizations_password(b2b, new):
    here = new()
    there = elsewhere(here)
    log_in(b2b, here)
    owed = b2b.session.exchange(organization_id=there.organization_id, session_duration_minutes=60)
    assert (owed["member_authenticated"], owed["member_id"]) == (False, there.member_id)
    assert owed["primary_required"] is not None
    assert b2b.cookies == {IST: owed["intermediate_session_token"]}
    done = log_in(b2b, there)
    assert done["member_session"]["organization_id"] == there.organization_id
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}


@pytest.fixture
def discovered(b2b, new):
    """A person in two organizations, who has given the password at the page ``b2b`` and named neither of them."""
    here = new()
    there = elsewhere(here, mfa_policy="REQUIRED_FOR_ALL")
    found = b2b.passwords.discovery.authenticate(email_address=here.email, password=PASSWORD)
    assert b2b.cookies == {IST: found["intermediate_session_token"]}
    owed = {one["organization"]["organization_id"]: bool(one["mfa_required"]) for one in listed(found)}
    assert owed == {here.organization_id: False, there.organization_id: True}
    assert listed(b2b.discovery.organizations.list()) == listed(found)
    return here, there


def listed(answer):
    return answer["discovered_organizations"]


def test_a_discovered_organization_that_asks_for_no_more_is_entered(b2b, discovered):
    here, _ = discovered
    chosen = {"organization_id": here.organization_id, "session_duration_minutes": 60}
    done = b2b.discovery.intermediateSessions.exchange(**chosen)
    assert factors(done) == ["password"]
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}


def test_a_discovered_organization_that_asks_for_mfa_is_entered_by_enrolling(b2b, discovered):
    _, there = discovered
    chosen = {"organization_id": there.organization_id, "session_duration_minutes": 60}
    owed = b2b.discovery.intermediateSessions.exchange(**chosen)
    assert (owed["member_authenticated"], owed["member_id"]) == (False, there.member_id)
    assert b2b.cookies == {IST: owed["intermediate_session_token"]}
    enrol(b2b, there)
    assert b2b.session.getSync()["organization_id"] == there.organization_id


def test_an_organization_that_a_person_does_not_belong_to_is_not_entered(b2b, discovered, new):
    strange = {"organization_id": new().organization_id, "session_duration_minutes": 60}
    assert refused(b2b.discovery.intermediateSessions.exchange, **strange) == (404, "member_not_found")
    assert b2b.cookies.keys() == {IST}


def test_a_discovered_person_founds_an_organization_and_administers_it(b2b, discovered):
    founded = {"organization_name": "Founded", "session_duration_minutes": 60}
    done = b2b.discovery.organizations.create(**founded)
    assert done["organization"]["organization_name"] == "Founded"
    assert done["member"]["is_admin"]
    assert b2b.cookies == {SESSION: done["session_token"], JWT: done["session_jwt"]}
    assert len(b2b.organization.members.search({})["members"]) == 1
