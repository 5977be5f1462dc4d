"""Every endpoint of ours by the method that the SDK has for it, with the arguments of the contract."""

from urllib.parse import parse_qs

import pyotp
import pytest

from tests.contract.driver import SDK_TESTS, Driver, refused
from tests.contract.situations import HASHES, PASSWORD, every_value, factors, give_password, new_organization, shown
from tests.contract.surface import reached, served
from tests.live import PROJECT_ID

pytestmark = SDK_TESTS

#: What we serve and the SDK has no method for, with the reason. Nothing, at this version.
WITHOUT_A_METHOD: dict[tuple[str, str], str] = {}
FIELDS_OF_AN_ORGANIZATION = {
    "organization_logo_url": "https://example.com/logo.png",
    "trusted_metadata": {"tier": "gold", "seats": 7},
    "sso_jit_provisioning": "ALL_ALLOWED",
    "email_allowed_domains": ["example.com"],
    "email_jit_provisioning": "RESTRICTED",
    "email_invites": "RESTRICTED",
    "auth_methods": "RESTRICTED",
    "allowed_auth_methods": ["password", "sso"],
    "mfa_policy": "REQUIRED_FOR_ALL",
    "rbac_email_implicit_role_assignments": [{"domain": "example.com", "role_id": "stytch_admin"}],
    "mfa_methods": "RESTRICTED",
    "allowed_mfa_methods": ["totp"],
    "oauth_tenant_jit_provisioning": "RESTRICTED",
    "allowed_oauth_tenants": {"slack": ["T01"]},
    "claimed_email_domains": ["example.com"],
    "first_party_connected_apps_allowed_type": "RESTRICTED",
    "allowed_first_party_connected_apps": ["connected-app-test-1"],
    "third_party_connected_apps_allowed_type": "NOT_ALLOWED",
    "allowed_third_party_connected_apps": [],
}
FIELDS_OF_A_MEMBER = {
    "name": "Zoë Ångström",
    "trusted_metadata": {"level": 3},
    "untrusted_metadata": {"theme": "dark"},
    "is_breakglass": True,
    "mfa_phone_number": "+15005550006",
    "mfa_enrolled": True,
}


def tour(sdk: Driver) -> None:
    """One call of each method, in an order in which each succeeds."""
    people, organizations = sdk.organizations.members, sdk.organizations
    organization_id = new_organization(sdk, mfa_policy="REQUIRED_FOR_ALL", organization_external_id="tour|1")
    organizations.get(organization_id)
    organizations.update(organization_id, organization_name="Tour")
    organizations.search(query=every_value([("organization_ids", [organization_id])]))
    organizations.metrics(organization_id)
    member = people.create(organization_id, "tour@example.com", external_id="tour-1").member
    ids = {"organization_id": organization_id, "member_id": member.member_id}
    people.get(organization_id, email_address="tour@example.com")
    people.dangerously_get(member.member_id)
    people.update(**ids, name="Tourist")
    people.search([organization_id])
    people.delete_external_id(**ids)
    give_password(sdk, organization_id, "tour@example.com")
    sdk.passwords.strength_check(PASSWORD)
    login = sdk.passwords.authenticate(organization_id, "tour@example.com", PASSWORD)
    enrolment = sdk.totps.create(**ids, intermediate_session_token=login.intermediate_session_token)
    code = pyotp.TOTP(enrolment.secret).now()
    session = sdk.totps.authenticate(**ids, code=code, intermediate_session_token=login.intermediate_session_token)
    sdk.recovery_codes.get(**ids)
    code = sdk.recovery_codes.rotate(**ids).recovery_codes[0]
    session = sdk.recovery_codes.recover(**ids, recovery_code=code, session_token=session.session_token)
    sdk.sessions.get(**ids)
    sdk.sessions.authenticate(session_token=session.session_token)
    sdk.sessions.get_jwks(PROJECT_ID)
    sdk.rbac.policy()
    sdk.rbac.organizations.get_org_policy(organization_id)
    session = sdk.sessions.exchange(organization_id, session_token=session.session_token)
    sdk.discovery.organizations.list(session_token=session.session_token)
    sdk.sessions.revoke(session_token=session.session_token)
    begun = sdk.passwords.discovery.authenticate("tour@example.com", PASSWORD).intermediate_session_token
    sdk.discovery.intermediate_sessions.exchange(begun, organization_id)
    begun = sdk.passwords.discovery.authenticate("tour@example.com", PASSWORD).intermediate_session_token
    sdk.organizations.delete(sdk.discovery.organizations.create(begun).organization.organization_id)
    people.delete_totp(**ids)
    sdk.totps.migrate(**ids, secret=pyotp.random_base32(), recovery_codes=[])
    people.delete(**ids)
    people.reactivate(**ids)
    organizations.delete_external_id(organization_id)
    organizations.delete(organization_id)


def test_the_sdk_reaches_every_endpoint_of_ours(sdk):
    tour(sdk)
    assert {exchange.status for exchange in sdk.exchanges} == {200}
    assert reached(sdk) == served("b2b") - WITHOUT_A_METHOD.keys()


# Organizations


def test_an_organization_gives_back_every_field_that_it_was_made_with(sdk):
    made = sdk.organizations.create("Everything", organization_slug="every.thing~1", **FIELDS_OF_AN_ORGANIZATION)
    assert shown(made.organization, FIELDS_OF_AN_ORGANIZATION) == FIELDS_OF_AN_ORGANIZATION
    found = sdk.organizations.get(made.organization.organization_id)
    assert found.organization == made.organization
    sdk.organizations.delete(made.organization.organization_id)


def test_an_organization_takes_every_field_at_an_update(sdk):
    organization_id = new_organization(sdk)
    more = {
        "organization_name": "Renamed",
        "organization_slug": f"renamed-{organization_id[-12:]}",
        "organization_external_id": f"crm|{organization_id[-12:]}",
        "sso_default_connection_id": "saml-connection-test-1",
        "sso_jit_provisioning_allowed_connections": ["saml-connection-test-1"],
        **FIELDS_OF_AN_ORGANIZATION,
    }
    updated = sdk.organizations.update(organization_id, **more).organization
    assert shown(updated, more) == more
    assert updated.organization_id == organization_id


def test_an_organization_that_says_nothing_has_the_defaults_of_the_contract(sdk):
    made = sdk.organizations.create("Ünïcode & Söhne").organization
    assert (made.mfa_policy, made.mfa_methods, made.allowed_mfa_methods) == ("OPTIONAL", "ALL_ALLOWED", [])
    assert (made.auth_methods, made.email_invites) == ("ALL_ALLOWED", "ALL_ALLOWED")
    assert made.organization_name == "Ünïcode & Söhne"
    assert made.organization_slug


def test_an_organization_goes_by_its_id_its_slug_and_its_external_id(sdk, new):
    number = new_organization(sdk)[-12:]
    slug, external = f"acme~{number}.x_y", f"crm|{number}"
    organization_id = new_organization(sdk, organization_slug=slug, organization_external_id=external)
    person = new(organization_id, external_id="hr|7", enrolled=True)
    for organization in (organization_id, slug, external):
        assert sdk.organizations.get(organization).organization.organization_id == organization_id
        for member in (person.member_id, "hr|7"):
            assert sdk.organizations.members.get(organization, member_id=member).member_id == person.member_id
            assert len(sdk.recovery_codes.get(organization, member).recovery_codes) == 10
            assert sdk.sessions.get(organization, member).member_sessions == []
            assert sdk.organizations.members.update(organization, member, name="Ada").member.name == "Ada"
    answer = sdk.passwords.authenticate(slug, person.email, PASSWORD)
    assert answer.organization_id == organization_id
    assert f"/v1/b2b/recovery_codes/crm%7C{number}/hr%7C7" in {exchange.path for exchange in sdk.exchanges}


def test_a_deleted_external_id_is_free_and_leads_nowhere(sdk):
    external = f"gone-{new_organization(sdk)[-12:]}"
    organization_id = new_organization(sdk, organization_external_id=external)
    left = sdk.organizations.delete_external_id(external).organization
    assert (left.organization_id, left.organization_external_id) == (organization_id, None)
    assert refused(sdk.organizations.get, external) == (404, "organization_not_found")
    assert new_organization(sdk, organization_external_id=external) != organization_id


def test_a_deleted_organization_takes_its_members_and_their_sessions_with_it(sdk, new):
    person = new()
    token = person.session().session_token
    assert sdk.organizations.delete(person.organization_id).organization_id == person.organization_id
    assert refused(sdk.organizations.get, person.organization_id) == (404, "organization_not_found")
    assert refused(sdk.organizations.members.dangerously_get, person.member_id) == (404, "member_not_found")
    assert refused(sdk.sessions.authenticate, session_token=token) == (404, "session_not_found")


def test_organizations_are_searched_page_by_page(sdk):
    wanted = [new_organization(sdk) for _ in range(3)]
    query = every_value([("organization_ids", wanted)])
    first = sdk.organizations.search(limit=2, query=query)
    rest = sdk.organizations.search(limit=2, query=query, cursor=first.results_metadata.next_cursor)
    assert [len(first.organizations), len(rest.organizations)] == [2, 1]
    assert {one.organization_id for one in [*first.organizations, *rest.organizations]} == set(wanted)
    assert (first.results_metadata.total, rest.results_metadata.next_cursor) == (3, None)


def test_metrics_count_the_members_that_are_not_deleted(sdk, new):
    stays = new()
    goes = new(stays.organization_id)
    sdk.organizations.members.delete(**goes.ids)
    assert sdk.organizations.metrics(stays.organization_id).member_count == 1


# Members


def test_a_member_gives_back_every_field_that_it_was_made_with(sdk):
    organization_id = new_organization(sdk)
    made = sdk.organizations.members.create(
        organization_id, "Ada+Work@Example.com", roles=["stytch_admin"], external_id="hr-1", **FIELDS_OF_A_MEMBER
    )
    assert shown(made.member, FIELDS_OF_A_MEMBER) == FIELDS_OF_A_MEMBER
    assert (made.member.email_address, made.member.external_id) == ("Ada+Work@Example.com", "hr-1")
    assert (made.member.status, made.member.is_admin) == ("active", True)
    assert [role.role_id for role in made.member.roles] == ["stytch_member", "stytch_admin"]
    assert made.organization.organization_id == organization_id
    found = sdk.organizations.members.get(organization_id, member_id=made.member_id)
    assert found.member == made.member


def test_a_new_member_has_no_factor_and_the_defaults_of_the_contract(sdk):
    member = sdk.organizations.members.create(new_organization(sdk), "plain@example.com").member
    assert (member.totp_registration_id, member.default_mfa_method, member.member_password_id) == ("", "", "")
    assert (member.mfa_enrolled, member.is_breakglass, member.is_locked, member.is_admin) == (False,) * 4
    assert [role.role_id for role in member.roles] == ["stytch_member"]
    assert (member.trusted_metadata, member.untrusted_metadata, member.external_id) == ({}, {}, None)


def test_a_member_takes_every_field_at_an_update(sdk, new):
    person = new(enrolled=True)
    updated = sdk.organizations.members.update(
        **person.ids,
        roles=["stytch_admin"],
        default_mfa_method="totp",
        email_address="moved@example.com",
        external_id="hr-2",
        preserve_existing_sessions=True,
        unlink_email=False,
        **FIELDS_OF_A_MEMBER,
    ).member
    assert shown(updated, FIELDS_OF_A_MEMBER) == FIELDS_OF_A_MEMBER
    assert (updated.email_address, updated.external_id) == ("moved@example.com", "hr-2")
    assert (updated.default_mfa_method, updated.is_admin) == ("totp", True)
    assert updated == person.member


def test_metadata_is_merged_and_null_takes_a_key_away(sdk, new):
    person = new(trusted_metadata={"keep": 1, "drop": 2})
    updated = sdk.organizations.members.update(**person.ids, trusted_metadata={"drop": None, "add": {"deep": []}})
    assert updated.member.trusted_metadata == {"keep": 1, "add": {"deep": []}}


@pytest.mark.parametrize("email", ["ada+totp@example.com", "o'brien&co@example.com", "50%@example.com"])
def test_an_email_address_with_characters_of_a_query_string_finds_its_member(sdk, email):
    made = sdk.organizations.members.create(new_organization(sdk), email)
    sdk.exchanges.clear()
    found = sdk.organizations.members.get(made.organization.organization_id, email_address=email.upper())
    assert found.member_id == made.member_id
    assert parse_qs(sdk.exchanges[0].query)["email_address"] == [email.upper()]


@pytest.mark.parametrize("member_id", ["ada+totp@example.com", "a b", "50%25", "ä", "{}"])
def test_an_id_that_must_be_percent_encoded_reaches_the_endpoint(sdk, member_id):
    organization_id = new_organization(sdk)
    assert refused(sdk.organizations.members.update, organization_id, member_id) == (404, "member_not_found")


def test_members_are_searched_by_filters_and_page_by_page(sdk, new):
    wanted = new(enrolled=True, is_breakglass=True)
    others = [new(wanted.organization_id) for _ in range(2)]
    search = sdk.organizations.members.search
    filters = [("member_emails", [wanted.email]), ("member_totp_exists", True), ("member_is_breakglass", True)]
    found = search([wanted.organization_id], query=every_value(filters))
    assert [member.member_id for member in found.members] == [wanted.member_id]
    assert list(found.organizations) == [wanted.organization_id]
    first = search([wanted.organization_id], limit=2)
    rest = search([wanted.organization_id], limit=2, cursor=first.results_metadata.next_cursor)
    assert {member.member_id for member in [*first.members, *rest.members]} == {
        person.member_id for person in [wanted, *others]
    }
    assert first.results_metadata.total == 3


def test_a_deleted_member_is_found_only_by_who_asks_for_deleted_ones(drivers, sdk, new):
    person = new()
    assert sdk.organizations.members.delete(**person.ids).member_id == person.member_id
    get = sdk.organizations.members.dangerously_get
    assert refused(get, person.member_id) == (404, "member_not_found")
    # The asynchronous SDK can't send a boolean in a query string: its HTTP library refuses.
    plain = (drivers("sync", "b2b") if sdk.run else sdk).organizations.members.dangerously_get
    assert refused(plain, person.member_id, include_deleted=False) == (404, "member_not_found")
    assert plain(person.member_id, include_deleted=True).member.status == "deleted"
    assert sdk.organizations.members.search([person.organization_id]).members == []
    query = every_value([("statuses", ["deleted"])])
    found = sdk.organizations.members.search([person.organization_id], query=query)
    assert [member.member_id for member in found.members] == [person.member_id]


def test_a_reactivated_member_is_active_and_has_no_factor(sdk, new):
    person = new(enrolled=True)
    sdk.organizations.members.delete(**person.ids)
    back = sdk.organizations.members.reactivate(**person.ids).member
    assert (back.member_id, back.status, back.totp_registration_id) == (person.member_id, "active", "")


def test_an_external_id_of_a_member_can_be_taken_away(sdk, new):
    person = new(external_id="hr-9")
    left = sdk.organizations.members.delete_external_id(person.organization_id, "hr-9").member
    assert (left.member_id, left.external_id) == (person.member_id, None)
    assert refused(sdk.sessions.get, person.organization_id, "hr-9") == (404, "member_not_found")


# TOTP and recovery codes


def test_what_the_sdk_can_say_at_a_creation_is_taken(sdk, new):
    person = new()
    session = person.session()
    made = sdk.totps.create(**person.ids, expiration_minutes=5, session_token=session.session_token)
    assert made.member_id == person.member_id
    assert len(set(made.recovery_codes)) == 10
    # Pending registrations are the caller's business alone.
    assert made.member.totp_registration_id == ""
    again = sdk.totps.create(**person.ids, session_jwt=session.session_jwt)
    assert again.secret != made.secret
    assert again.totp_registration_id != made.totp_registration_id


def test_what_the_sdk_can_say_at_an_authentication_is_taken(sdk, new, server_clock):
    person = new(enrolled=True)
    done = person.verify(
        session_jwt=person.session().session_jwt,
        session_duration_minutes=5,
        session_custom_claims={"tenant": {"plan": "pro"}},
        set_mfa_enrollment="enroll",
        set_default_mfa=True,
        telemetry_id="telemetry-1",
    )
    assert (done.member.mfa_enrolled, done.member.default_mfa_method) == (True, "totp")
    assert done.member_session.custom_claims == {"tenant": {"plan": "pro"}}
    assert int(done.member_session.expires_at.timestamp()) == server_clock.now + 300
    assert sdk.exchanges[-1].body["organization_id"] == person.organization_id


def test_what_the_sdk_can_say_at_a_recovery_is_taken(sdk, new, server_clock):
    person = new(enrolled=True)
    done = sdk.recovery_codes.recover(
        **person.ids,
        recovery_code=person.recovery_codes[0],
        session_token=person.session().session_token,
        session_duration_minutes=527040,
        session_custom_claims={"recovered": True},
        telemetry_id="telemetry-1",
    )
    assert done.recovery_codes_remaining == 9
    assert done.member_session.custom_claims == {"recovered": True}
    assert int(done.member_session.expires_at.timestamp()) == server_clock.now + 527040 * 60
    assert factors(done.member_session) == ["password", "recovery_codes"]


def test_recovery_codes_are_shown_until_they_are_used_and_rotation_replaces_all(sdk, new):
    person = new(enrolled=True)
    assert sorted(sdk.recovery_codes.get(**person.ids).recovery_codes) == sorted(person.recovery_codes)
    used, unused = person.recovery_codes[0], person.recovery_codes[1]
    token = person.session().session_token
    token = sdk.recovery_codes.recover(**person.ids, recovery_code=used, session_token=token).session_token
    assert sorted(sdk.recovery_codes.get(**person.ids).recovery_codes) == sorted(person.recovery_codes[1:])
    fresh = sdk.recovery_codes.rotate(**person.ids).recovery_codes
    assert len(set(fresh) - set(person.recovery_codes)) == 10
    assert sorted(sdk.recovery_codes.get(**person.ids).recovery_codes) == sorted(fresh)
    for code in (used, unused):
        answer = refused(sdk.recovery_codes.recover, **person.ids, recovery_code=code, session_token=token)
        assert answer == (401, "unable_to_authenticate_recovery_code")
    assert sdk.recovery_codes.recover(**person.ids, recovery_code=fresh[0], session_token=token).session_token


def test_a_migrated_registration_is_active_at_once_with_the_codes_that_came_along(sdk, new):
    person = new()
    person.secret, codes = pyotp.random_base32(), ["ckss-2skx-ebow", "a1b2-c3d4-e5f6"]
    made = sdk.totps.migrate(**person.ids, secret=person.secret, recovery_codes=codes)
    assert sorted(made.recovery_codes) == sorted(codes)
    assert made.member.totp_registration_id == made.totp_registration_id
    assert made.member.default_mfa_method == "totp"
    assert person.verify(session_token=person.session().session_token).member_session


# Sessions


def test_a_session_is_listed_authenticated_extended_and_revoked(sdk, new, server_clock):
    person = new()
    session = person.session(session_duration_minutes=30, session_custom_claims={"a": 1, "b": {"c": 1, "d": 2}})
    server_clock.advance(60)
    kept = sdk.sessions.authenticate(session_token=session.session_token)
    assert kept.session_token == session.session_token
    assert kept.member_session.expires_at == session.member_session.expires_at
    assert int(kept.member_session.last_accessed_at.timestamp()) == server_clock.now
    longer = sdk.sessions.authenticate(
        session_jwt=session.session_jwt,
        session_duration_minutes=60,
        session_custom_claims={"a": None, "b": {"d": 3}},
    )
    assert int(longer.member_session.expires_at.timestamp()) == server_clock.now + 3600
    assert longer.member_session.custom_claims == {"b": {"c": 1, "d": 3}}
    listed = sdk.sessions.get(**person.ids).member_sessions
    assert [one.member_session_id for one in listed] == [session.member_session.member_session_id]
    sdk.sessions.revoke(session_token=session.session_token)
    assert sdk.sessions.get(**person.ids).member_sessions == []


@pytest.mark.parametrize("by", ["member_session_id", "session_token", "session_jwt", "member_id"])
def test_a_session_is_revoked_by_each_of_four_names(sdk, new, by):
    person = new()
    session, other = person.session(), person.session()
    names = {
        "member_session_id": session.member_session.member_session_id,
        "session_token": session.session_token,
        "session_jwt": session.session_jwt,
        "member_id": person.member_id,
    }
    sdk.sessions.revoke(**{by: names[by]})
    left = [one.member_session_id for one in sdk.sessions.get(**person.ids).member_sessions]
    assert left == ([] if by == "member_id" else [other.member_session.member_session_id])
    for name in ("session_token", "session_jwt"):
        assert refused(sdk.sessions.authenticate, **{name: names[name]}) == (404, "session_not_found")


# Passwords


@pytest.mark.parametrize("kind", HASHES)
def test_a_password_hash_from_elsewhere_logs_its_member_in(sdk, kind):
    hash_type, hashed, config = HASHES[kind]
    organization_id, email = new_organization(sdk), "moved+in@example.com"
    made = sdk.passwords.migrate(
        email_address=email,
        hash=hashed,
        hash_type=hash_type,
        organization_id=organization_id,
        name="Moved In",
        trusted_metadata={"from": "elsewhere"},
        untrusted_metadata={"theme": "light"},
        roles=["stytch_admin"],
        mfa_phone_number="+15005550006",
        set_phone_number_verified=True,
        external_id="legacy-1",
        preserve_existing_sessions=True,
        **config,
    )
    assert made.member_created
    assert made.member.member_password_id
    assert (made.member.name, made.member.external_id) == ("Moved In", "legacy-1")
    assert (made.member.mfa_phone_number_verified, made.member.is_admin) == (True, True)
    assert refused(sdk.passwords.authenticate, organization_id, email, "wrong") == (401, "unauthorized_credentials")
    for _ in range(2):  # the second time by a hash of the site's own
        answer = sdk.passwords.authenticate(organization_id, email, PASSWORD, locale="en", telemetry_id="telemetry-1")
        assert factors(answer.member_session) == ["password"]


def test_a_password_for_a_member_who_exists_makes_no_second_member(sdk, new):
    person = new()
    again = give_password(sdk, person.organization_id, person.email.upper())
    assert (again.member_created, again.member_id) == (False, person.member_id)


@pytest.mark.parametrize(("password", "valid"), [("x", False), ("password1234", False), (PASSWORD, True)])
def test_the_strength_of_a_password_is_told(sdk, password, valid):
    answer = sdk.passwords.strength_check(password, email_address="ada@example.com")
    assert answer.valid_password is valid
    assert bool(answer.zxcvbn_feedback.suggestions) is not valid
