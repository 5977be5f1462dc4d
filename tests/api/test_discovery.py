"""Logins that begin without an organization, and switches between organizations (contract 1.9, 1.11; TE-04, TE-05)."""

from dataclasses import dataclass, replace

import pytest
from django.contrib.auth.models import User as DjangoUser

from stytch_totp.models import Guard, IntermediateSession, Member, Organization
from tests.api.helpers import (
    COMMON,
    DISCOVERY,
    PASSWORD,
    SESSIONS,
    TOTP,
    Person,
    authenticate,
    but_request_id,
    complete,
    discover,
    intermediate,
    log_in,
    make_organization,
    make_person,
    make_user,
    not_refused,
    ok,
    recover,
    refused,
    rows_hash,
    set_password,
    show_member,
    undone,
    unknown,
    with_totp,
)
from tests.factories import code_of, wrong_code

pytestmark = pytest.mark.django_db

FOUND = COMMON | {"email_address", "discovered_organizations"}
ONE = {"organization", "membership", "member_authenticated", "mfa_required", "primary_required"}
LOGIN = COMMON | {
    *("member_id", "member", "organization", "member_session", "session_token", "session_jwt", "member_authenticated"),
    *("intermediate_session_token", "mfa_required", "primary_required"),
}
EMAIL = "ada@example.com"
FOREIGN = (400, "invalid_intermediate_session_token_for_organization")
WRONG = (401, "unable_to_authenticate_totp")


@dataclass(frozen=True)
class Somebody:
    """One person in three organizations: one that lets in by password, two that ask for a second factor."""

    easy: Person
    strict: Person
    other: Person


@pytest.fixture
def ada(api):
    easy, strict, other = (
        make_organization(api, mfa_policy=policy) for policy in ("OPTIONAL", *["REQUIRED_FOR_ALL"] * 2)
    )
    return Somebody(
        make_person(api, easy["organization_id"], totp=False, email_address=EMAIL),
        make_person(api, strict["organization_id"], email_address=EMAIL),
        make_person(api, other["organization_id"], totp=False, email_address="ADA@example.com"),
    )


def begun(api, person):
    return ok(discover(api, person))["intermediate_session_token"]


def memberships(api, **credential):
    return api("POST", f"{DISCOVERY}/organizations", credential)


def go_to(api, person, token, **fields):
    body = {"organization_id": person.organization_id, "intermediate_session_token": token, **fields}
    return api("POST", f"{DISCOVERY}/intermediate_sessions/exchange", body)


def switch(api, person, **fields):
    return api("POST", f"{SESSIONS}/exchange", {"organization_id": person.organization_id, **fields})


def found_at(api, cause):
    """The organizations of an answer, with what each still wants."""
    return {one["membership"]["member"]["member_id"]: one for one in ok(cause)["discovered_organizations"]}


def one_user(*people):
    """They log in as one Django user, whose password is PASSWORD."""
    user = DjangoUser.objects.create_user("ada", password=PASSWORD)
    Member.objects.filter(pk__in=[person.member_id[-36:] for person in people]).update(user=user)


# Who is found


def test_a_login_finds_the_memberships_that_the_password_opens(api, ada):
    set_password(api, ada.other, "quite another password")
    make_person(api)
    answer = ok(discover(api, ada.easy))
    assert set(answer) == FOUND | {"intermediate_session_token"}
    assert answer["email_address"] == EMAIL
    assert len(answer["intermediate_session_token"]) == 44
    assert all(set(one) == ONE for one in answer["discovered_organizations"])
    by_tenant = {one["organization"]["organization_id"]: one for one in answer["discovered_organizations"]}
    easy, strict = by_tenant[ada.easy.organization_id], by_tenant[ada.strict.organization_id]
    assert len(by_tenant) == 2
    for one, person in ((easy, ada.easy), (strict, ada.strict)):
        assert one["organization"]["organization_id"] == person.organization_id
        shown = {"type": "active_member", "details": None, "member": show_member(api, person)}
        assert one["membership"] == shown
    assert (easy["member_authenticated"], easy["mfa_required"], easy["primary_required"]) == (True, None, None)
    assert strict["member_authenticated"] is False
    options = strict["mfa_required"]["member_options"]
    assert options["totp_registration_id"] == strict["membership"]["member"]["totp_registration_id"]
    quite = ok(discover(api, ada.easy, "quite another password"))
    assert [one["membership"]["member"]["member_id"] for one in quite["discovered_organizations"]] == [
        ada.other.member_id
    ]


def test_the_list_says_what_each_organization_still_wants(api, ada):
    found = found_at(api, memberships(api, intermediate_session_token=begun(api, ada.easy)))
    assert set(found) == {person.member_id for person in (ada.easy, ada.strict, ada.other)}
    assert found[ada.other.member_id]["mfa_required"] == {"member_options": None, "secondary_auth_initiated": None}
    settings = {"auth_methods": "RESTRICTED", "allowed_auth_methods": ["sso"]}
    ok(api("PUT", f"/v1/b2b/organizations/{ada.easy.organization_id}", settings))
    found = found_at(api, discover(api, ada.easy))[ada.easy.member_id]
    assert found["primary_required"] == {"allowed_auth_methods": ["sso"]}
    assert found["member_authenticated"] is False


def test_the_list_takes_exactly_one_credential_and_a_session_does_as_well(api, ada):
    login = ok(log_in(api, ada.easy))
    for name in ("session_token", "session_jwt"):
        answer = memberships(api, **{name: login[name]})
        assert set(ok(answer)) == FOUND | {"organization_id_hint"}
        found = found_at(api, answer)
        assert found[ada.easy.member_id]["member_authenticated"] is True
        assert found[ada.strict.member_id]["member_authenticated"] is False
        assert found[ada.strict.member_id]["primary_required"] is not None
    refused(memberships(api), 400, "no_session_arguments")
    both = {"session_token": login["session_token"], "intermediate_session_token": begun(api, ada.easy)}
    refused(memberships(api, **both), 400, "too_many_session_arguments")
    refused(memberships(api, intermediate_session_token="x" * 44), 404, "intermediate_session_not_found")


def test_whom_nobody_vouches_for_is_not_found(api, ada):
    """A pending member's address is one that its organization claims and nobody has proved."""
    tenant = make_organization(api)["organization_id"]
    claimed = {"email_address": EMAIL, "create_member_as_pending": True}
    made = ok(api("POST", f"/v1/b2b/organizations/{tenant}/members", claimed))
    set_password(api, Person(tenant, made["member_id"], EMAIL), "password of the attacker")
    refused(discover(api, ada.easy, "password of the attacker"), 401, "unauthorized_credentials")
    assert made["member_id"] not in found_at(api, discover(api, ada.easy))


def test_a_session_of_an_unproved_address_leads_to_its_own_organization_alone(api, ada):
    tenant = make_organization(api)["organization_id"]
    claimed = {"email_address": EMAIL, "create_member_as_pending": True}
    made = ok(api("POST", f"/v1/b2b/organizations/{tenant}/members", claimed))
    attacker = Person(tenant, made["member_id"], EMAIL)
    set_password(api, attacker, "password of the attacker")
    token = ok(log_in(api, attacker, "password of the attacker"))["session_token"]
    assert set(found_at(api, memberships(api, session_token=token))) == {attacker.member_id}
    refused(switch(api, ada.easy, session_token=token), 404, "member_not_found")


def test_unknown_addresses_and_wrong_passwords_are_told_apart_by_nobody(api, ada):
    user = make_user(api)
    bare = replace(ada.easy, email="bare@example.com")
    ok(api("POST", f"/v1/b2b/organizations/{ada.easy.organization_id}/members", {"email_address": bare.email}))
    people = (bare, replace(ada.easy, email="nobody@example.com"), replace(ada.easy, email=user.email))
    answers = [discover(api, ada.easy, "wrong"), *(discover(api, person) for person in people)]
    for answer in answers:
        refused(answer, 401, "unauthorized_credentials")
    assert {but_request_id(answer) for answer in answers} == {but_request_id(answers[0])}


def test_a_wrong_password_is_charged_to_every_membership_and_a_right_one_to_none(api, ada):
    refused(discover(api, ada.easy, "wrong"), 401, "unauthorized_credentials")
    guards = Guard.objects.filter(kind="password")
    assert sorted(guards.values_list("failures", flat=True)) == [1, 1, 1]
    set_password(api, ada.strict, "quite another password")
    ok(discover(api, ada.easy))
    assert guards.get(member=ada.strict.member_id[-36:]).failures == 1
    for _ in range(9):
        refused(discover(api, ada.easy, "wrong"), 401, "unauthorized_credentials")
    assert set(found_at(api, discover(api, ada.easy))) == {ada.easy.member_id, ada.other.member_id}
    refused(log_in(api, ada.strict, "quite another password"), 429, "user_lock_limit_reached")


# Where it leads


def test_a_login_by_discovery_becomes_a_session_where_nothing_is_owed(api, ada):
    token = begun(api, ada.easy)
    answer = ok(go_to(api, ada.easy, token, session_duration_minutes=5, session_custom_claims={"plan": "gold"}))
    assert set(answer) == LOGIN
    assert answer["member_authenticated"] is True
    assert answer["intermediate_session_token"] == ""
    assert answer["member_session"]["expires_at"] == "2027-01-15T08:05:00Z"
    assert answer["member_session"]["custom_claims"] == {"plan": "gold"}
    assert [one["type"] for one in answer["member_session"]["authentication_factors"]] == ["password"]
    for person in (ada.easy, ada.strict):
        refused(go_to(api, person, token), 404, "intermediate_session_not_found")


def test_a_login_by_discovery_becomes_a_members_own_where_mfa_is_owed(api, ada):
    token = begun(api, ada.easy)
    answer = ok(go_to(api, ada.strict, token))
    assert set(answer) == LOGIN
    assert (answer["member_authenticated"], answer["member_session"], answer["session_token"]) == (False, None, "")
    fresh = answer["intermediate_session_token"]
    assert len(fresh) == 44
    assert fresh != token
    refused(go_to(api, ada.easy, token), 404, "intermediate_session_not_found")
    refused(go_to(api, ada.easy, fresh), 404, "intermediate_session_not_found")
    done = ok(authenticate(api, ada.strict, code_of(ada.strict.secret), intermediate_session_token=fresh))
    types = [one["type"] for one in done["member_session"]["authentication_factors"]]
    assert types == ["password", "totp"]


def test_who_has_no_second_factor_yet_enrols_one_with_what_discovery_gave(api, ada):
    token = ok(go_to(api, ada.other, begun(api, ada.easy)))["intermediate_session_token"]
    made = ok(api("POST", TOTP, {**ada.other.ids, "intermediate_session_token": token}))
    done = authenticate(api, ada.other, code_of(made["secret"]), intermediate_session_token=token)
    assert ok(done)["member_session"]["member_id"] == ada.other.member_id


def test_se03_a_login_by_discovery_ends_after_ten_minutes(api, ada, clock):
    token = begun(api, ada.easy)
    clock.advance(599)
    with undone():
        ok(go_to(api, ada.easy, token))
        ok(memberships(api, intermediate_session_token=begun(api, ada.easy)))
    clock.advance(1)
    refused(go_to(api, ada.easy, token), 404, "intermediate_session_not_found")
    refused(memberships(api, intermediate_session_token=token), 404, "intermediate_session_not_found")


def test_it_leads_to_nobody_but_those_whose_password_was_given(api, ada):
    set_password(api, ada.other, "quite another password")
    stranger = make_person(api)
    token = begun(api, ada.easy)
    before = rows_hash()
    for person in (ada.other, stranger):
        refused(go_to(api, person, token), 404, "member_not_found")
    for organization_id in (unknown("organization"), "no-such-slug", ada.easy.member_id):
        nowhere = replace(ada.easy, organization_id=organization_id)
        refused(go_to(api, nowhere, token), 404, "organization_not_found")
    assert rows_hash() == before
    ok(go_to(api, ada.easy, token))


def test_it_leads_to_no_member_who_was_deleted_meanwhile(api, ada):
    token = begun(api, ada.easy)
    ok(api("DELETE", ada.easy.member_path))
    refused(go_to(api, ada.easy, token), 404, "member_not_found")
    assert ada.easy.member_id not in found_at(api, memberships(api, intermediate_session_token=token))


def test_it_takes_slug_and_external_id_of_an_organization(api, ada):
    path = f"/v1/b2b/organizations/{ada.easy.organization_id}"
    ok(api("PUT", path, {"organization_slug": "easy-slug", "organization_external_id": "easy-external"}))
    for name in ("easy-slug", "easy-external"):
        named = replace(ada.easy, organization_id=name)
        assert ok(go_to(api, named, begun(api, ada.easy)))["member_id"] == ada.easy.member_id


def test_an_organizations_own_intermediate_session_is_no_good_for_discovery(api, ada):
    """Contract 1.10: a password IST is not usable on discovery endpoints."""
    token = intermediate(api, ada.strict)
    refused(memberships(api, intermediate_session_token=token), 404, "intermediate_session_not_found")
    for person in (ada.strict, ada.easy):
        refused(go_to(api, person, token), 404, "intermediate_session_not_found")
    create = {"intermediate_session_token": token, "organization_name": "Mine"}
    refused(api("POST", f"{DISCOVERY}/organizations/create", create), 404, "intermediate_session_not_found")
    ok(authenticate(api, ada.strict, code_of(ada.strict.secret), intermediate_session_token=token))


# TE-05


@pytest.mark.parametrize("step", [authenticate, recover])
def test_te05_it_completes_mfa_for_nobody_whose_identity_it_does_not_carry(api, ada, step):
    stranger = make_person(api)
    neighbour = make_person(api, ada.strict.organization_id)
    left_out = with_totp(api, ada.other)
    set_password(api, left_out, "quite another password")
    token = begun(api, ada.easy)
    before = rows_hash()
    for person in (stranger, neighbour, left_out):
        right = code_of(person.secret) if step is authenticate else person.codes[0]
        wrong = wrong_code(person.secret) if step is authenticate else "zzzz-zzzz-zzzz"
        for code in (right, wrong):
            answer = step(api, person, code, intermediate_session_token=token)
            refused(answer, 400, "member_session_member_id_mismatch")
    assert rows_hash() == before
    assert {guard.failures for guard in Guard.objects.exclude(kind="password")} == {0}


@pytest.mark.parametrize("step", [authenticate, recover])
def test_te05_it_completes_mfa_for_those_whose_identity_it_carries(api, ada, step):
    code = code_of(ada.strict.secret) if step is authenticate else ada.strict.codes[0]
    answer = ok(step(api, ada.strict, code, intermediate_session_token=begun(api, ada.easy)))
    assert answer["member_session"]["member_id"] == ada.strict.member_id


def test_te05_it_enrols_nothing_for_a_stranger(api, ada):
    strangers = (make_person(api, totp=False), make_person(api, ada.easy.organization_id, totp=False))
    token = begun(api, ada.easy)
    before = rows_hash()
    for stranger in strangers:
        answer = api("POST", TOTP, {**stranger.ids, "intermediate_session_token": token})
        refused(answer, 400, "member_session_member_id_mismatch")
    assert rows_hash() == before


# A new organization


def create(api, token, **fields):
    return api("POST", f"{DISCOVERY}/organizations/create", {"intermediate_session_token": token, **fields})


def test_who_logged_in_by_discovery_creates_an_organization_and_administers_it(api, ada):
    token = begun(api, ada.easy)
    answer = ok(create(api, token, organization_name="Ada's", organization_slug="adas", session_duration_minutes=5))
    assert set(answer) == LOGIN
    assert answer["member_authenticated"] is True
    tenant = answer["organization"]
    assert (tenant["organization_name"], tenant["organization_slug"]) == ("Ada's", "adas")
    member = answer["member"]
    assert member["email_address"].lower() == EMAIL
    assert (member["email_address_verified"], member["is_admin"]) == (True, True)
    assert answer["member_session"]["roles"] == ["stytch_member", "stytch_admin"]
    again = Person(tenant["organization_id"], member["member_id"], EMAIL)
    ok(log_in(api, again))
    refused(create(api, token), 404, "intermediate_session_not_found")


def test_without_a_name_it_has_that_of_the_addresss_domain(api, ada):
    answer = ok(create(api, begun(api, ada.easy)))
    assert answer["organization"]["organization_name"] == "example.com"
    assert answer["organization"]["organization_slug"]


def test_an_organization_that_asks_for_mfa_asks_its_creator_too(api, ada):
    answer = ok(create(api, begun(api, ada.easy), organization_name="Strict", mfa_policy="REQUIRED_FOR_ALL"))
    assert (answer["member_authenticated"], answer["member_session"]) == (False, None)
    assert answer["mfa_required"] == {"member_options": None, "secondary_auth_initiated": None}


def test_an_organization_that_can_not_be_made_costs_nothing(api, ada):
    token = begun(api, ada.easy)
    before = rows_hash()
    slug = Organization.objects.get(pk=ada.easy.organization_id[-36:]).slug
    for fields, error_type in (
        ({"organization_slug": slug}, "organization_slug_already_used"),
        ({"organization_name": "x" * 129}, "invalid_organization_name"),
        ({"mfa_policy": "x"}, "invalid_organization_mfa_policy"),
        ({"session_duration_minutes": 4}, "invalid_session_duration_minutes"),
        ({"session_custom_claims": {"sub": 1}}, "reserved_claims_in_custom_claims"),
    ):
        refused(create(api, token, **fields), 400, error_type)
    assert rows_hash() == before
    ok(create(api, token))


@pytest.mark.parametrize("path", ["/organizations/create", "/intermediate_sessions/exchange"])
def test_both_ends_of_discovery_want_an_intermediate_session_and_nothing_else(api, ada, path):
    session = ok(log_in(api, ada.easy))
    body = {"organization_id": ada.easy.organization_id}

    def call(token):
        return api("POST", DISCOVERY + path, {**body, "intermediate_session_token": token})

    refused(api("POST", DISCOVERY + path, {**body, "session_token": session["session_token"]}), 400, "bad_request")
    assert not not_refused(call, ["", "x", "x" * 45, 5, None, []], 400, "invalid_session_token")
    assert not not_refused(call, ["x" * 44, session["session_token"]], 404, "intermediate_session_not_found")


# Switching


@pytest.mark.parametrize("name", ["session_token", "session_jwt"])
def test_a_switch_takes_a_password_along_only_where_it_is_the_same_users(api, ada, name):
    login = ok(log_in(api, ada.easy))
    with undone():
        answer = ok(switch(api, ada.other, **{name: login[name]}))
        assert set(answer) == LOGIN
        assert answer["member_authenticated"] is False
        assert answer["primary_required"] is not None
        assert answer["intermediate_session_token"]
    one_user(ada.easy, ada.other)
    answer = ok(switch(api, ada.other, **{name: ok(log_in(api, ada.easy))[name]}))
    assert (answer["member_authenticated"], answer["primary_required"]) == (False, None)
    assert answer["mfa_required"] is not None


def test_a_switch_where_nothing_is_owed_ends_the_session_it_came_from(api, ada):
    elsewhere = make_person(api, make_organization(api)["organization_id"], totp=False, email_address=EMAIL)
    one_user(ada.easy, elsewhere)
    login = ok(log_in(api, ada.easy))
    answer = ok(switch(api, elsewhere, session_token=login["session_token"], session_duration_minutes=5))
    assert answer["member_session"]["member_id"] == elsewhere.member_id
    assert answer["member_session"]["expires_at"] == "2027-01-15T08:05:00Z"
    assert [one["type"] for one in answer["member_session"]["authentication_factors"]] == ["password"]
    old = {"session_token": login["session_token"]}
    refused(api("POST", f"{SESSIONS}/authenticate", old), 404, "session_not_found")


def test_te04_a_second_factor_of_one_organization_is_none_in_another(api, ada):
    """From A, with MFA, to B, which asks for MFA: an intermediate session, and no factor of A's in what it becomes."""
    other = with_totp(api, ada.other)
    one_user(ada.strict, other)
    done = complete(api, ada.strict)
    for name in ("session_token", "session_jwt"):
        answer = ok(switch(api, other, **{name: done[name]}))
        assert (answer["member_authenticated"], answer["member_session"]) == (False, None)
        assert (answer["session_token"], answer["session_jwt"]) == ("", "")
        assert answer["mfa_required"]["member_options"]["totp_registration_id"]
    kept = IntermediateSession.objects.filter(member=other.member_id[-36:])
    assert [[one["type"] for one in row.factors] for row in kept] == [["password"], ["password"]]
    token = answer["intermediate_session_token"]
    refused(authenticate(api, ada.strict, code_of(ada.strict.secret), intermediate_session_token=token), *FOREIGN)
    refused(authenticate(api, other, code_of(ada.strict.secret), intermediate_session_token=token), *WRONG)
    for code in ada.strict.codes[:2]:
        answer = recover(api, other, code, intermediate_session_token=token)
        refused(answer, 401, "unable_to_authenticate_recovery_code")
    session = ok(authenticate(api, other, code_of(other.secret), intermediate_session_token=token))["member_session"]
    own = ok(api("GET", f"/v1/b2b/organizations/{other.organization_id}/member?member_id={other.member_id}"))["member"]
    password, totp = session["authentication_factors"]
    assert password["type"] == "password"
    assert totp["authenticator_app_factor"] == {"totp_id": own["totp_registration_id"]}


def test_te04_the_session_of_one_organization_is_none_in_another(api, ada):
    other = with_totp(api, ada.other)
    done = complete(api, ada.strict)
    before = rows_hash()
    for name in ("session_token", "session_jwt"):
        for person in (other, ada.easy):
            answer = authenticate(api, person, code_of(other.secret), **{name: done[name]})
            refused(answer, 400, "member_session_member_id_mismatch")
            answer = recover(api, person, other.codes[0], **{name: done[name]})
            refused(answer, 400, "member_session_member_id_mismatch")
    assert rows_hash() == before


def test_a_switch_leads_to_nobody_else(api, ada):
    stranger, user = make_person(api), make_user(api, email=EMAIL)
    token = ok(log_in(api, ada.easy))["session_token"]
    before = rows_hash()
    refused(switch(api, stranger, session_token=token), 404, "member_not_found")
    directory = Organization.objects.get(kind="consumer")
    for organization_id in (directory.public_id, unknown("organization"), user.user_id):
        nowhere = replace(ada.easy, organization_id=organization_id)
        refused(switch(api, nowhere, session_token=token), 404, "organization_not_found")
    assert rows_hash() == before


def test_a_switch_to_ones_own_organization_keeps_every_factor(api, ada):
    done = complete(api, ada.strict)
    answer = ok(switch(api, ada.strict, session_token=done["session_token"]))
    assert answer["member_authenticated"] is True
    types = [one["type"] for one in answer["member_session"]["authentication_factors"]]
    assert types == ["password", "totp"]


def test_a_switch_takes_exactly_one_credential(api, ada):
    login = ok(log_in(api, ada.easy))
    refused(switch(api, ada.easy), 400, "no_session_arguments")
    both = {name: login[name] for name in ("session_token", "session_jwt")}
    refused(switch(api, ada.easy, **both), 400, "too_many_session_arguments")
    refused(switch(api, ada.easy, session_token=begun(api, ada.easy)), 404, "session_not_found")


def test_a_changed_address_is_nobodys_until_somebody_vouches_for_it(api, ada):
    """A member of one's own with somebody else's address would else lead to all that this one is a member of."""
    admin = make_person(api, ada.easy.organization_id, totp=False, roles=["stytch_admin"])
    session = {"X-Stytch-Member-Session": ok(log_in(api, admin))["session_token"]}
    puppet = make_person(api, ada.easy.organization_id, totp=False)
    victim = make_person(api, make_organization(api)["organization_id"], totp=False)
    changed = ok(api("PUT", puppet.member_path, {"email_address": victim.email}, **session))["member"]
    assert changed["email_address_verified"] is False
    token = ok(log_in(api, replace(puppet, email=victim.email)))["session_token"]
    refused(switch(api, victim, session_token=token), 404, "member_not_found")
    assert set(found_at(api, memberships(api, session_token=token))) == {puppet.member_id}
    assert set(found_at(api, discover(api, victim))) == {victim.member_id}
