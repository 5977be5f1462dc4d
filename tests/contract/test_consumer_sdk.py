"""Every endpoint of the consumer product by the method that the SDKs have for it, with the contract's arguments."""

import pyotp
import pytest

from tests.contract.driver import SDK_TESTS, Driver, refused
from tests.contract.situations import (
    HASHES,
    PASSWORD,
    User,
    every_value,
    factors,
    give_user_password,
    new_email,
    new_phone_number,
    shown,
)
from tests.contract.surface import reached, served
from tests.live import PROJECT_ID

pytestmark = SDK_TESTS

NOBODY = (404, "user_not_found")
FIELDS_OF_A_USER = {
    "name": {"first_name": "Zoë", "middle_name": "Q.", "last_name": "Ångström"},
    "trusted_metadata": {"level": 3},
    "untrusted_metadata": {"theme": "dark"},
}


def tour(consumer: Driver) -> None:
    """One call of each method, in an order in which each succeeds."""
    users, email = consumer.users, new_email()
    user_id = users.create(email=email, external_id="consumer-tour").user_id
    users.get(user_id)
    users.update(user_id, name={"first_name": "Tourist"})
    users.search(query=every_value([("user_id", [user_id])]))
    users.search_all(query=every_value([("user_id", [user_id])]))
    users.delete_external_id(user_id)
    made = consumer.totps.create(user_id)
    consumer.totps.authenticate(user_id, pyotp.TOTP(made.secret).now())
    code = consumer.totps.recovery_codes(user_id).totps[0].recovery_codes[0]
    session = consumer.totps.recover(user_id, code, session_duration_minutes=5)
    consumer.sessions.get(user_id)
    consumer.sessions.authenticate(session_token=session.session_token)
    consumer.sessions.get_jwks(PROJECT_ID)
    consumer.sessions.revoke(session_token=session.session_token)
    consumer.rbac.policy()
    users.delete_totp(made.totp_id)
    users.delete(user_id)
    consumer.passwords.strength_check(PASSWORD)
    user_id = consumer.passwords.create(email, PASSWORD).user_id
    consumer.passwords.authenticate(email, PASSWORD)
    users.delete(user_id)
    users.delete(give_user_password(consumer, email).user_id)


def test_the_sdk_reaches_every_consumer_endpoint_of_ours(consumer):
    tour(consumer)
    assert {exchange.status for exchange in consumer.exchanges} == {200}
    assert reached(consumer) == served("consumer")


# Users


def test_a_user_gives_back_every_field_that_it_was_made_with(consumer):
    email, number = new_email(), new_phone_number()
    made = consumer.users.create(
        email=email,
        phone_number=number,
        external_id=f"crm|{email.partition('@')[0]}",
        roles=["editor"],
        attributes={"ip_address": "192.0.2.1", "user_agent": "curl"},
        create_user_as_pending=False,
        **FIELDS_OF_A_USER,
    )
    user = made.user
    assert shown(user, FIELDS_OF_A_USER) == FIELDS_OF_A_USER
    assert [(one.email_id, one.email) for one in user.emails] == [(made.email_id, email)]
    assert [(one.phone_id, one.phone_number) for one in user.phone_numbers] == [(made.phone_id, number)]
    assert (made.status, user.status, user.user_id) == ("active", "active", made.user_id)
    assert user.roles == ["stytch_user", "editor"]
    found = consumer.users.get(made.user_id).model_dump()
    assert {name: found[name] for name in user.model_dump()} == user.model_dump()


def test_a_new_user_has_no_factor_and_the_defaults_of_the_contract(consumer):
    made = consumer.users.create(email=new_email())
    user = made.user
    assert (user.totps, user.phone_numbers, user.webauthn_registrations, user.providers) == ([], [], [], [])
    assert (user.crypto_wallets, user.biometric_registrations, user.roles) == ([], [], ["stytch_user"])
    assert (user.trusted_metadata, user.untrusted_metadata, user.external_id) == ({}, {}, None)
    assert (user.is_locked, user.lock_created_at, user.lock_expires_at, user.password) == (False, None, None, None)
    assert user.name.model_dump() == {"first_name": "", "middle_name": "", "last_name": ""}
    assert made.phone_id == ""


def test_a_user_may_have_a_phone_number_in_place_of_an_address(consumer):
    made = consumer.users.create(phone_number=new_phone_number())
    assert (made.email_id, made.user.emails) == ("", [])
    assert made.user.phone_numbers[0].phone_id == made.phone_id


def test_a_user_can_be_made_pending(consumer):
    made = consumer.users.create(email=new_email(), create_user_as_pending=True)
    assert (made.status, made.user.status, consumer.users.get(made.user_id).status) == ("pending",) * 3


def test_a_user_takes_every_field_at_an_update(consumer, new_consumer):
    user = new_consumer()
    more = {"external_id": f"hr|{user.user_id[-12:]}", **FIELDS_OF_A_USER}
    updated = consumer.users.update(
        user.user_id, roles=["editor"], attributes={"ip_address": "192.0.2.1", "user_agent": "curl"}, **more
    )
    assert shown(updated.user, more) == more
    assert updated.user.roles == ["stytch_user", "editor"]
    assert (updated.user_id, updated.emails, updated.phone_numbers, updated.crypto_wallets) == (
        user.user_id,
        updated.user.emails,
        [],
        [],
    )
    assert shown(user.user, more) == more


def test_metadata_is_merged_and_null_takes_a_key_away(consumer, new_consumer):
    user = new_consumer(trusted_metadata={"keep": 1, "drop": 2}, untrusted_metadata={"theme": "dark"})
    updated = consumer.users.update(user.user_id, trusted_metadata={"drop": None, "add": {"deep": []}}).user
    assert updated.trusted_metadata == {"keep": 1, "add": {"deep": []}}
    assert updated.untrusted_metadata == {"theme": "dark"}


def test_a_user_goes_by_its_external_id_wherever_its_id_is_asked_for(consumer, new_consumer, server_clock):
    user = new_consumer()
    external = f"crm|{user.user_id[-12:]}"
    consumer.users.update(user.user_id, external_id=external)
    assert consumer.users.get(external).user_id == user.user_id
    assert consumer.users.update(external, name={"first_name": "Ada"}).user.name.first_name == "Ada"
    made = consumer.totps.create(external)
    assert consumer.totps.authenticate(external, pyotp.TOTP(made.secret).at(server_clock.now)).user_id == user.user_id
    assert consumer.totps.recovery_codes(external).user_id == user.user_id
    assert consumer.totps.recover(external, made.recovery_codes[0]).user_id == user.user_id
    assert consumer.sessions.get(external).sessions == []
    assert f"/v1/users/crm%7C{user.user_id[-12:]}" in {exchange.path for exchange in consumer.exchanges}
    left = consumer.users.delete_external_id(external)
    assert (left.user_id, left.user.external_id) == (user.user_id, None)
    assert refused(consumer.users.get, external) == NOBODY
    consumer.users.update(user.user_id, external_id=external)
    assert consumer.users.delete(external).user_id == user.user_id


def test_a_deleted_user_is_gone_with_everything_and_frees_its_address(consumer, new_consumer):
    user = new_consumer(enrolled=True)
    session = user.session()
    assert consumer.users.delete(user.user_id).user_id == user.user_id
    for call in (consumer.users.get, consumer.users.delete, consumer.totps.create, consumer.totps.recovery_codes):
        assert refused(call, user.user_id) == NOBODY
    assert refused(consumer.sessions.get, user.user_id) == NOBODY
    assert refused(user.verify) == NOBODY
    assert refused(consumer.users.delete_totp, user.totp_id) == (404, "totp_not_found")
    for name in ("session_token", "session_jwt"):
        answer = refused(consumer.sessions.authenticate, **{name: getattr(session, name)})
        assert answer == (404, "session_not_found")
    assert refused(user.log_in) == (401, "unauthorized_credentials")
    again = consumer.users.create(email=user.email)
    assert again.user_id != user.user_id
    assert (again.user.totps, again.user.password) == ([], None)


@pytest.fixture
def crowd(consumer, new_consumer):
    """Four users, no two alike."""
    began, fresh = new_consumer(), consumer.users.create(email=new_email(), create_user_as_pending=True)
    began.create()
    name = {"first_name": "Ada", "last_name": f"Love{began.user_id[-8:]}"}
    return {
        "enrolled": new_consumer(enrolled=True, name=name, phone_number=new_phone_number()),
        "began": began,
        "bare": consumer.users.create(email=new_email()),
        "pending": fresh,
    }


OWN = {
    "user_id": lambda user: [user.user_id],
    "email_address": lambda user: [user.email.upper()],
    "email_address_fuzzy": lambda user: user.email.partition(".")[0],
    "email_id": lambda user: [user.user.emails[0].email_id],
    "full_name_fuzzy": lambda user: f"ada {user.user.name.last_name[:8]}",
    "phone_number": lambda user: [user.user.phone_numbers[0].phone_number],
    "phone_number_fuzzy": lambda user: user.user.phone_numbers[0].phone_number[2:],
    "phone_id": lambda user: [user.user.phone_numbers[0].phone_id],
    "totp_id": lambda user: [user.totp_id],
}


@pytest.mark.parametrize("name", OWN)
def test_a_user_is_found_by_what_is_the_users_own(consumer, crowd, name):
    user: User = crowd["enrolled"]
    found = consumer.users.search(query=every_value([(name, OWN[name](user))]))
    assert [one.user_id for one in found.results] == [user.user_id]
    assert (found.results_metadata.total, found.results_metadata.next_cursor) == (1, None)


EVERYBODY = {"enrolled", "began", "bare", "pending"}
THIS_CENTURY = {"greater_than": "2000-01-01T00:00:00Z", "less_than": "2100-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "active", EVERYBODY - {"pending"}),
        ("status", "pending", {"pending"}),
        ("totp_verified", True, {"enrolled"}),
        ("totp_verified", False, {"began"}),
        ("password_exists", True, {"enrolled", "began"}),
        ("password_exists", False, {"bare", "pending"}),
        ("created_at_greater_than", "2020-01-01T00:00:00Z", EVERYBODY),
        ("created_at_greater_than", "2120-01-01T00:00:00Z", set()),
        ("created_at_less_than", "2020-01-01T00:00:00Z", set()),
        ("created_at_less_than", "2120-01-01T00:00:00Z", EVERYBODY),
        (
            "created_at_between",
            {"greater_than": "2020-01-01T00:00:00Z", "less_than": "2120-01-01T00:00:00Z"},
            EVERYBODY,
        ),
        # Nobody here has what the other products make.
        ("oauth_provider", ["google"], set()),
        ("webauthn_registration_verified", True, set()),
        ("webauthn_registration_id", ["webauthn-registration-test-1"], set()),
        ("crypto_wallet_id", ["crypto-wallet-test-1"], set()),
        ("crypto_wallet_address", ["0x1"], set()),
        ("crypto_wallet_verified", True, set()),
    ],
)
def test_a_filter_narrows_a_search_to_those_who_fit(consumer, crowd, name, value, expected):
    ids = {user.user_id: kind for kind, user in crowd.items()}
    found = consumer.users.search(query=every_value([("user_id", list(ids)), (name, value)]))
    assert {ids[user.user_id] for user in found.results} == expected


def test_verified_addresses_and_numbers_are_told_from_others(consumer):
    verified = {"set_email_verified": True, "set_phone_number_verified": True, "phone_number": new_phone_number()}
    sure = give_user_password(consumer, new_email(), **verified).user_id
    unsure = give_user_password(consumer, new_email(), phone_number=new_phone_number()).user_id
    for name in ("email_verified", "phone_verified"):
        for value, expected in ((True, sure), (False, unsure)):
            found = consumer.users.search(query=every_value([("user_id", [sure, unsure]), (name, value)]))
            assert [user.user_id for user in found.results] == [expected]


def test_a_search_joins_its_operands_by_and_or_or(consumer, new_consumer):
    first, second = new_consumer(), new_consumer()
    operands = [
        {"filter_name": "user_id", "filter_value": [first.user_id]},
        {"filter_name": "email_address", "filter_value": [second.email]},
    ]
    for operator, expected in (("AND", set()), ("OR", {first.user_id, second.user_id})):
        found = consumer.users.search(query={"operator": operator, "operands": operands})
        assert {user.user_id for user in found.results} == expected


def test_users_are_searched_page_by_page(consumer, new_consumer):
    wanted = [new_consumer().user_id for _ in range(3)]
    query = every_value([("user_id", wanted)])
    first = consumer.users.search(limit=2, query=query)
    rest = consumer.users.search(limit=2, query=query, cursor=first.results_metadata.next_cursor)
    assert [len(first.results), len(rest.results)] == [2, 1]
    assert {user.user_id for user in [*first.results, *rest.results]} == set(wanted)
    assert (first.results_metadata.total, rest.results_metadata.next_cursor) == (3, None)


def test_the_sdk_goes_through_all_pages_of_a_search(consumer, new_consumer):
    wanted = [new_consumer().user_id for _ in range(3)]
    consumer.exchanges.clear()
    pages = consumer.users.search_all(limit=2, query=every_value([("user_id", wanted)]))
    assert len(pages) == 2
    assert [exchange.name for exchange in consumer.exchanges] == ["POST /v1/users/search"] * 2
    assert {user["user_id"] for exchange in consumer.exchanges for user in exchange.body["results"]} == set(wanted)


def test_a_search_that_says_nothing_finds_everybody(consumer, new_consumer):
    user = new_consumer()
    assert user.user_id in {one.user_id for page in [consumer.users.search(limit=1000)] for one in page.results}


# Sessions


def test_a_session_is_listed_authenticated_extended_and_revoked(consumer, new_consumer, server_clock):
    user = new_consumer()
    session = user.session(session_duration_minutes=30, session_custom_claims={"a": 1, "b": {"c": 1, "d": 2}})
    server_clock.advance(60)
    kept = consumer.sessions.authenticate(session_token=session.session_token)
    assert kept.session_token == session.session_token
    assert kept.session.expires_at == session.session.expires_at
    assert int(kept.session.last_accessed_at.timestamp()) == server_clock.now
    assert kept.user.user_id == user.user_id
    longer = consumer.sessions.authenticate(
        session_jwt=session.session_jwt,
        session_duration_minutes=60,
        session_custom_claims={"a": None, "b": {"d": 3}},
    )
    assert int(longer.session.expires_at.timestamp()) == server_clock.now + 3600
    assert longer.session.custom_claims == {"b": {"c": 1, "d": 3}}
    listed = consumer.sessions.get(user.user_id).sessions
    assert [one.session_id for one in listed] == [session.session.session_id]
    consumer.sessions.revoke(session_token=session.session_token)
    assert consumer.sessions.get(user.user_id).sessions == []


@pytest.mark.parametrize("by", ["session_id", "session_token", "session_jwt"])
def test_a_session_is_revoked_by_each_of_three_names(consumer, new_consumer, by):
    user = new_consumer()
    session, other = user.session(), user.session()
    names = {
        "session_id": session.session.session_id,
        "session_token": session.session_token,
        "session_jwt": session.session_jwt,
    }
    consumer.sessions.revoke(**{by: names[by]})
    assert [one.session_id for one in consumer.sessions.get(user.user_id).sessions] == [other.session.session_id]
    for name in ("session_token", "session_jwt"):
        assert refused(consumer.sessions.authenticate, **{name: names[name]}) == (404, "session_not_found")


# Passwords


def test_a_user_made_with_a_password_gives_back_every_field(consumer):
    email = new_email()
    made = consumer.passwords.create(email, PASSWORD, telemetry_id="telemetry-1", **FIELDS_OF_A_USER)
    assert shown(made.user, FIELDS_OF_A_USER) == FIELDS_OF_A_USER
    assert [(one.email_id, one.email) for one in made.user.emails] == [(made.email_id, email)]
    assert made.user.password.requires_reset is False
    answer = consumer.passwords.authenticate(email.upper(), PASSWORD, session_duration_minutes=5, telemetry_id="t-1")
    assert (answer.user_id, factors(answer.session)) == (made.user_id, ["password"])
    assert answer.user.password == made.user.password


def test_a_user_without_a_password_gets_one(consumer):
    email = new_email()
    user_id = consumer.users.create(email=email).user_id
    made = give_user_password(consumer, email)
    assert (made.user_created, made.user_id) == (False, user_id)
    assert consumer.passwords.authenticate(email, PASSWORD).user_id == user_id


@pytest.mark.parametrize("kind", HASHES)
def test_a_password_hash_from_elsewhere_logs_its_user_in(consumer, kind):
    hash_type, hashed, config = HASHES[kind]
    email = new_email()
    made = consumer.passwords.migrate(
        email=email,
        hash=hashed,
        hash_type=hash_type,
        set_email_verified=True,
        phone_number=new_phone_number(),
        set_phone_number_verified=True,
        external_id=f"legacy|{email.partition('@')[0]}",
        roles=["editor"],
        **FIELDS_OF_A_USER,
        **config,
    )
    assert made.user_created
    assert shown(made.user, FIELDS_OF_A_USER) == FIELDS_OF_A_USER
    assert (made.user.emails[0].verified, made.user.phone_numbers[0].verified) == (True, True)
    assert made.user.external_id == f"legacy|{email.partition('@')[0]}"
    assert made.user.roles == ["stytch_user", "editor"]
    assert made.email_id == made.user.emails[0].email_id
    assert refused(consumer.passwords.authenticate, email, "wrong") == (401, "unauthorized_credentials")
    for _ in range(2):  # the second time by a hash of the site's own
        answer = consumer.passwords.authenticate(email, PASSWORD, session_duration_minutes=5)
        assert factors(answer.session) == ["password"]


@pytest.mark.parametrize(("password", "valid"), [("x", False), ("password1234", False), (PASSWORD, True)])
def test_the_strength_of_a_password_is_told(consumer, password, valid):
    answer = consumer.passwords.strength_check(password, email="ada@example.com")
    assert answer.valid_password is valid
    assert bool(answer.feedback.suggestions) is not valid
