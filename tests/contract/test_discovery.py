"""Logins that begin without an organization, and switches from one organization to another (contract 1.11)."""

import pytest

from tests.contract.driver import SDK_TESTS, refused
from tests.contract.refusals import LOCKED, NO_IST, NO_MEMBER, NO_ORGANIZATION, UNKNOWN_TOKEN, WRONG_CREDENTIALS
from tests.contract.situations import PASSWORD, STEP, by, factors, new_email, new_organization

pytestmark = SDK_TESTS

NOWHERE = "organization-test-00000000-0000-4000-8000-000000000000"


@pytest.fixture
def person(new):
    """A member of an organization that leaves MFA to its members."""
    return new()


@pytest.fixture
def elsewhere(new, person):
    """The same person, by e-mail address and password, in an organization that requires MFA, with an app for it."""
    return new(email=person.email, enrolled=True).require_mfa()


def discover(person):
    return person.sdk.passwords.discovery.authenticate(person.email, PASSWORD)


def begun(person):
    return discover(person).intermediate_session_token


def switch(person, to, **credential):
    return person.sdk.sessions.exchange(to.organization_id, **credential)


def exchange(sdk, token, person, **options):
    return sdk.discovery.intermediate_sessions.exchange(token, person.organization_id, **options)


# Finding out where


def test_a_password_finds_the_organizations_that_it_opens_and_what_each_of_them_still_asks(sdk, person, elsewhere):
    found = discover(person)
    assert found.email_address == person.email
    assert len(found.intermediate_session_token) == 44
    there = {one.organization.organization_id: one for one in found.discovered_organizations}
    assert set(there) == {person.organization_id, elsewhere.organization_id}
    assert all(one.membership.type == "active_member" for one in there.values())
    plain, strict = there[person.organization_id], there[elsewhere.organization_id]
    assert (plain.membership.member.member_id, strict.membership.member.member_id) == (
        person.member_id,
        elsewhere.member_id,
    )
    assert (plain.member_authenticated, plain.mfa_required, plain.primary_required) == (True, None, None)
    assert (strict.member_authenticated, strict.primary_required) == (False, None)
    options = strict.mfa_required.member_options
    assert options.totp_registration_id == elsewhere.member.totp_registration_id


def test_an_organization_that_takes_no_passwords_says_what_it_takes(sdk, person):
    sdk.organizations.update(person.organization_id, auth_methods="RESTRICTED", allowed_auth_methods=["sso"])
    (found,) = discover(person).discovered_organizations
    assert found.member_authenticated is False
    assert found.primary_required.allowed_auth_methods == ["sso"]


def test_an_organization_that_the_password_does_not_open_is_not_found(sdk, new, person):
    stranger = new_organization(sdk)
    sdk.organizations.members.create(stranger, person.email)
    assert [one.organization.organization_id for one in discover(person).discovered_organizations] == [
        person.organization_id
    ]


def test_an_address_that_nobody_vouched_for_is_nobody_elsewhere(sdk, new, person):
    """Whoever may create members could otherwise give one of them somebody else's address."""
    pending = new(email=person.email, create_member_as_pending=True)
    assert pending.organization_id not in {
        one.organization.organization_id for one in discover(person).discovered_organizations
    }
    assert refused(exchange, sdk, begun(person), pending) == NO_MEMBER


def test_the_list_says_the_same_again_and_consumes_nothing(sdk, person, elsewhere):
    found = discover(person)
    for _ in range(2):
        listed = sdk.discovery.organizations.list(intermediate_session_token=found.intermediate_session_token)
        assert listed.email_address == person.email
        assert listed.discovered_organizations == found.discovered_organizations
    assert exchange(sdk, found.intermediate_session_token, person).member_authenticated


@pytest.mark.parametrize("credential", ["session_token", "session_jwt"])
def test_a_session_lists_its_persons_organizations_and_lives_on(sdk, person, elsewhere, credential):
    session = person.session()
    listed = sdk.discovery.organizations.list(**{credential: getattr(session, credential)})
    assert listed.email_address == person.email
    assert listed.organization_id_hint is None
    ids = {one.organization.organization_id for one in listed.discovered_organizations}
    assert ids == {person.organization_id, elsewhere.organization_id}
    assert sdk.sessions.authenticate(session_token=session.session_token)


def test_a_list_wants_one_credential(sdk, person):
    session, both = person.session(), (400, "too_many_session_arguments")
    tokens = {"session_token": session.session_token, "intermediate_session_token": begun(person)}
    assert refused(sdk.discovery.organizations.list, **tokens) == both
    assert refused(sdk.discovery.organizations.list)[0] in (400, 404)


# Going in


def test_the_login_goes_on_in_the_organization_that_is_chosen(sdk, person, server_clock):
    token = begun(person)
    done = exchange(sdk, token, person, session_duration_minutes=30, session_custom_claims={"a": 1}, locale="en")
    assert (done.member_authenticated, done.intermediate_session_token) == (True, "")
    assert (done.mfa_required, done.primary_required) == (None, None)
    assert (done.member_id, done.organization.organization_id) == (person.member_id, person.organization_id)
    assert factors(done.member_session) == ["password"]
    assert done.member_session.custom_claims == {"a": 1}
    assert int(done.member_session.expires_at.timestamp()) == server_clock.now + 1800
    assert sdk.sessions.authenticate(session_jwt=done.session_jwt).session_token == done.session_token
    assert refused(exchange, sdk, token, person) == NO_IST


def test_the_organization_is_known_by_its_slug_and_its_external_id(sdk, person):
    external = f"crm|{person.organization_id[-12:]}"
    sdk.organizations.update(person.organization_id, organization_external_id=external)
    slug = sdk.organizations.get(external).organization.organization_slug
    for name in (slug, external):
        done = sdk.discovery.intermediate_sessions.exchange(begun(person), name)
        assert done.organization.organization_id == person.organization_id


def test_an_organization_that_requires_mfa_lets_in_by_its_own_app(sdk, person, elsewhere):
    token = begun(person)
    owed = exchange(sdk, token, elsewhere, session_duration_minutes=5)
    assert refused(exchange, sdk, token, person) == NO_IST
    assert (owed.member_authenticated, owed.member_session, owed.session_token, owed.session_jwt) == (
        False,
        None,
        "",
        "",
    )
    assert owed.mfa_required.member_options.totp_registration_id == elsewhere.member.totp_registration_id
    ist = owed.intermediate_session_token
    assert refused(person.verify, intermediate_session_token=ist, code="123456")[0] in (400, 404)
    done = elsewhere.verify(intermediate_session_token=ist)
    assert factors(done.member_session) == ["password", "totp"]
    assert done.member_session.organization_id == elsewhere.organization_id
    assert refused(elsewhere.verify, intermediate_session_token=ist) == NO_IST


def test_a_member_without_an_app_enrols_one_on_the_way(sdk, person):
    person.require_mfa()
    owed = exchange(sdk, begun(person), person)
    assert owed.mfa_required.member_options is None
    ist = owed.intermediate_session_token
    person.secret = sdk.totps.create(**person.ids, intermediate_session_token=ist).secret
    assert factors(person.verify(intermediate_session_token=ist).member_session) == ["password", "totp"]


def test_a_login_becomes_a_new_organization_with_its_first_administrator(sdk, person):
    token = begun(person)
    done = sdk.discovery.organizations.create(
        token,
        organization_name="Founded",
        organization_slug=f"founded-{person.member_id[-12:]}",
        trusted_metadata={"tier": "free"},
        session_duration_minutes=30,
        session_custom_claims={"founder": True},
    )
    assert (done.member_authenticated, done.organization.organization_name) == (True, "Founded")
    assert done.organization.trusted_metadata == {"tier": "free"}
    assert (done.member.email_address, done.member.is_admin) == (person.email, True)
    assert [role.role_id for role in done.member.roles] == ["stytch_member", "stytch_admin"]
    assert (factors(done.member_session), done.member_session.custom_claims) == (["password"], {"founder": True})
    assert done.member_id != person.member_id
    assert refused(sdk.discovery.organizations.create, token) == NO_IST
    assert sdk.passwords.authenticate(done.organization.organization_id, person.email, PASSWORD).member_authenticated
    sdk.organizations.delete(done.organization.organization_id)


def test_a_new_organization_that_requires_mfa_begins_with_it(sdk, person):
    owed = sdk.discovery.organizations.create(begun(person), mfa_policy="REQUIRED_FOR_ALL")
    assert owed.member_authenticated is False
    assert owed.mfa_required.member_options is None
    founder = {"organization_id": owed.organization.organization_id, "member_id": owed.member_id}
    ist = owed.intermediate_session_token
    person.secret = sdk.totps.create(**founder, intermediate_session_token=ist).secret
    done = sdk.totps.authenticate(**founder, code=person.code(), intermediate_session_token=ist)
    assert factors(done.member_session) == ["password", "totp"]


# Going over


def test_te04_what_was_shown_to_one_organization_is_no_factor_to_another(sdk, new, person, elsewhere):
    """Contract 1.9: password factors do not transfer. Nor does an app, to members who are the same person."""
    session = elsewhere.verify(intermediate_session_token=elsewhere.ist())
    for there in (person, new(email=person.email, enrolled=True).require_mfa()):
        owed = switch(elsewhere, there, session_token=session.session_token)
        assert (owed.member_authenticated, owed.member_session, owed.session_token) == (False, None, "")
        assert (owed.member_id, owed.organization.organization_id) == (there.member_id, there.organization_id)
        assert "password" in owed.primary_required.allowed_auth_methods
        ist = owed.intermediate_session_token
        if there.secret:
            early = refused(there.verify, intermediate_session_token=ist)
            assert early == (400, "action_available_only_once_primary_authentication_is_met")
        login = there.log_in(intermediate_session_token=ist)
        assert login.member_authenticated is (there is person)
        done = there.verify(intermediate_session_token=ist) if there.secret else login
        assert factors(done.member_session) == (["password", "totp"] if there.secret else ["password"])
    assert sdk.sessions.authenticate(session_token=session.session_token)


def test_a_session_that_is_exchanged_within_its_organization_keeps_its_factors(sdk, elsewhere):
    session = elsewhere.verify(intermediate_session_token=elsewhere.ist())
    again = switch(elsewhere, elsewhere, session_jwt=session.session_jwt)
    assert again.member_authenticated
    assert factors(again.member_session) == ["password", "totp"]


def test_a_session_goes_nowhere_that_its_person_is_not_a_member(sdk, new, person):
    session, stranger = person.session(), new()
    for credential in ({"session_token": session.session_token}, {"session_jwt": session.session_jwt}):
        assert refused(switch, person, stranger, **credential) == NO_MEMBER
    assert refused(sdk.sessions.exchange, NOWHERE, session_token=session.session_token) == NO_ORGANIZATION
    assert sdk.sessions.authenticate(session_token=session.session_token)


def test_an_address_that_nobody_vouched_for_switches_nowhere(sdk, new, person):
    pending = new(email=person.email, create_member_as_pending=True)
    session = pending.session()
    assert refused(switch, pending, person, session_token=session.session_token) == NO_MEMBER
    listed = sdk.discovery.organizations.list(session_token=session.session_token)
    assert [one.organization.organization_id for one in listed.discovered_organizations] == [pending.organization_id]


def test_an_administrator_cannot_make_somebody_of_another_organization(sdk, new, person):
    """By an e-mail address, which an administrator's session vouches for nowhere but at home."""
    admin, renamed = new(roles=["stytch_admin"]), new()
    home = new(admin.organization_id)
    members, options = sdk.organizations.members, {"method_options": by(session_token=admin.session().session_token)}
    assert not members.update(**home.ids, email_address=person.email, **options).member.email_address_verified
    home.email = person.email
    session = home.session()
    assert refused(switch, home, person, session_token=session.session_token) == NO_MEMBER
    for credential in ({"session_token": session.session_token}, {"session_jwt": session.session_jwt}):
        listed = sdk.discovery.organizations.list(**credential).discovered_organizations
        assert [one.organization.organization_id for one in listed] == [admin.organization_id]
    found = discover(person).discovered_organizations
    assert [one.organization.organization_id for one in found] == [person.organization_id]
    made = members.create(admin.organization_id, renamed.email, **options).member
    assert not made.email_address_verified


def test_an_exchange_wants_one_live_session(sdk, person):
    session = person.session()
    both = {"session_token": session.session_token, "session_jwt": session.session_jwt}
    assert refused(switch, person, person) == (400, "no_session_arguments")
    assert refused(switch, person, person, **both) == (400, "too_many_session_arguments")
    assert refused(switch, person, person, session_token=UNKNOWN_TOKEN) == (404, "session_not_found")
    assert refused(switch, person, person, session_token="x") == (400, "invalid_session_token")
    assert refused(switch, person, person, session_jwt="x") == (400, "unable_to_parse_session_jwt")
    sdk.sessions.revoke(session_token=session.session_token)
    assert refused(switch, person, person, session_token=session.session_token) == (404, "session_not_found")


# Not going in


def test_wrong_passwords_and_unknown_addresses_are_told_alike(sdk, person):
    discovery = sdk.passwords.discovery.authenticate
    bare = sdk.organizations.members.create(person.organization_id, new_email()).member.email_address
    for email in (person.email, new_email(), bare, "x"):
        assert refused(discovery, email, "wrong") == WRONG_CREDENTIALS


def test_rl02_discovery_is_charged_to_the_password_as_a_login_is(sdk, person, elsewhere):
    for number in range(10):
        attempt = [lambda: sdk.passwords.discovery.authenticate(person.email, "wrong"), lambda: person.log_in("wrong")]
        assert refused(attempt[number % 2]) == WRONG_CREDENTIALS
    assert refused(person.log_in) == LOCKED
    # Five of them were the other membership's, too: one login finds it, and it alone.
    assert [one.organization.organization_id for one in discover(person).discovered_organizations] == [
        elsewhere.organization_id
    ]


def test_a_login_to_one_organization_is_no_login_by_discovery(sdk, person, elsewhere):
    """Contract 1.10: such an intermediate session is not usable on discovery endpoints."""
    ist = elsewhere.ist()
    assert refused(exchange, sdk, ist, person) == NO_IST
    assert refused(exchange, sdk, ist, elsewhere) == NO_IST
    assert refused(sdk.discovery.organizations.create, ist) == NO_IST
    assert refused(sdk.discovery.organizations.list, intermediate_session_token=ist) == NO_IST
    assert elsewhere.verify(intermediate_session_token=ist).member_session


def test_te05_a_login_by_discovery_becomes_nobody_whose_password_was_not_given(sdk, new, person):
    stranger, colleague = new(enrolled=True), new(person.organization_id, enrolled=True)
    token = begun(person)
    assert refused(exchange, sdk, token, stranger) == NO_MEMBER
    assert refused(exchange, sdk, token, stranger) == NO_MEMBER
    for other in (stranger, colleague):
        for call in (other.verify, other.log_in):
            assert refused(call, intermediate_session_token=token)[0] in (400, 404)
        assert refused(sdk.totps.create, **other.ids, intermediate_session_token=token)[0] in (400, 404)
    assert refused(sdk.discovery.intermediate_sessions.exchange, token, NOWHERE) == NO_ORGANIZATION
    assert exchange(sdk, token, person).member_authenticated


def test_se04_a_login_by_discovery_is_no_session(sdk, person):
    token = begun(person)
    for call in (sdk.sessions.authenticate, sdk.sessions.revoke, sdk.discovery.organizations.list):
        assert refused(call, session_token=token) == (404, "session_not_found")
    assert refused(switch, person, person, session_token=token) == (404, "session_not_found")


def test_se03_a_login_by_discovery_lives_for_ten_minutes(sdk, person, server_clock):
    early, late = begun(person), begun(person)
    server_clock.advance(599)
    assert exchange(sdk, early, person).member_authenticated
    server_clock.advance(1)
    assert refused(exchange, sdk, late, person) == NO_IST
    assert refused(sdk.discovery.organizations.list, intermediate_session_token=late) == NO_IST
    assert refused(sdk.discovery.organizations.create, late) == NO_IST


def test_a_member_who_is_deleted_meanwhile_is_not_gone_in_as(sdk, person, elsewhere):
    token = begun(person)
    sdk.organizations.members.delete(**person.ids)
    assert refused(exchange, sdk, token, person) == NO_MEMBER
    assert not exchange(sdk, token, elsewhere).member_authenticated
    token = begun(elsewhere)
    sdk.organizations.delete(elsewhere.organization_id)
    assert refused(exchange, sdk, token, elsewhere) in (NO_ORGANIZATION, NO_IST)
    assert refused(sdk.discovery.organizations.list, intermediate_session_token=token) == NO_IST


def test_what_cannot_be_asked_for_spends_nothing(sdk, person):
    token = begun(person)
    for options, answer in (
        ({"session_duration_minutes": 4}, (400, "invalid_session_duration_minutes")),
        ({"session_custom_claims": {"sub": "x"}}, (400, "reserved_claims_in_custom_claims")),
    ):
        assert refused(exchange, sdk, token, person, **options) == answer
        assert refused(sdk.discovery.organizations.create, token, **options) == answer
        assert refused(switch, person, person, session_token=person.session().session_token, **options) == answer
    taken = sdk.organizations.get(person.organization_id).organization.organization_slug
    answer = refused(sdk.discovery.organizations.create, token, organization_slug=taken)
    assert answer == (400, "organization_slug_already_used")
    assert exchange(sdk, token, person).member_authenticated


@pytest.mark.parametrize(
    ("token", "answer"), [(UNKNOWN_TOKEN, NO_IST), ("x", (400, "invalid_session_token")), ("", None)]
)
def test_a_token_that_is_none_leads_nowhere(sdk, person, token, answer):
    answer = answer or (400, "invalid_session_token")
    assert refused(exchange, sdk, token, person) == answer
    assert refused(sdk.discovery.organizations.create, token) == answer


def test_the_code_of_one_membership_is_no_code_of_the_other(sdk, new, person, elsewhere, server_clock):
    other = new(email=person.email, enrolled=True).require_mfa()
    ist = exchange(sdk, begun(person), elsewhere).intermediate_session_token
    elsewhere_code = elsewhere.code()
    wrong = refused(elsewhere.verify, code=other.code(), intermediate_session_token=ist)
    assert wrong == (401, "unable_to_authenticate_totp")
    assert elsewhere.verify(code=elsewhere_code, intermediate_session_token=ist).member_session
    server_clock.advance(STEP)
    ist = exchange(sdk, begun(person), other).intermediate_session_token
    assert other.verify(intermediate_session_token=ist).member_session
