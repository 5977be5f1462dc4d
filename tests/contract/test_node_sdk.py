"""What only Node's SDK has. Everything else is told through it by the tests that it shares with Python's."""

import json
from datetime import datetime, timezone

import pytest

from tests.contract.driver import NODE, SDK_TESTS, ClientError, refused
from tests.contract.situations import STEP, factors

pytestmark = [*SDK_TESTS, pytest.mark.node]

VERIFY = ("sessions", "authenticate_jwt")
VERIFY_LOCALLY = ("sessions", "authenticate_jwt_local")


@pytest.fixture
def way():
    return "node"


def test_the_sdk_is_the_one_that_is_pinned(ask_node):
    pinned = json.loads((NODE / "package.json").read_text())["dependencies"]["stytch"]
    installed = json.loads((NODE / "node_modules" / "stytch" / "package.json").read_text())["version"]
    assert installed == pinned, "remove tests/contract/node/node_modules: the tests will install what is pinned"


@pytest.fixture(params=["b2b", "consumer"])
def token(request, sdk, consumer):
    """The SDK of a product, and a JWT of somebody who has just logged in."""
    make = request.getfixturevalue({"b2b": "new", "consumer": "new_consumer"}[request.param])
    person = make()
    return person.sdk, person.session().session_jwt


def test_a_jwt_that_is_checked_remotely_extends_its_session(token, server_clock):
    driver, jwt = token
    wishes = {"session_duration_minutes": 120, "session_custom_claims": {"seen": True}}
    done = driver.ask(VERIFY, {"session_jwt": jwt, "max_token_age_seconds": 0, **wishes})
    session = done.get("session") or done["member_session"]
    expires_at = datetime.fromtimestamp(server_clock.now + 7200, timezone.utc)
    assert session["expires_at"] == expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert session["custom_claims"] == {"seen": True}


def test_a_jwt_that_is_checked_locally_says_why_not(token):
    driver, jwt = token
    for data, code in (
        ({"session_jwt": jwt, "max_token_age_seconds": 0}, "jwt_too_old"),
        ({"session_jwt": jwt[:-8] + "AAAAAAAA"}, "jwt_invalid"),
        ({"session_jwt": "x"}, "jwt_invalid"),
    ):
        with pytest.raises(ClientError) as raised:
            driver.ask(VERIFY_LOCALLY, data)
        assert raised.value.code == code
    assert driver.exchanges[-1].status == 200


def test_an_expired_jwt_is_good_for_as_long_as_its_reader_tolerates(sdk, new, server_clock):
    server_clock.advance(-300 - STEP)
    jwt = new().session().session_jwt
    with pytest.raises(ClientError):
        sdk.ask(VERIFY_LOCALLY, {"session_jwt": jwt})
    assert sdk.ask(VERIFY_LOCALLY, {"session_jwt": jwt, "clock_tolerance_seconds": 120})["member_id"]


def test_te06_a_users_jwt_is_no_members_and_is_taken_to_the_api(sdk, new_consumer):
    jwt = new_consumer().session().session_jwt
    assert refused(sdk.sessions.authenticate_jwt, jwt)[0] in (400, 404)
    assert [exchange.name for exchange in sdk.exchanges] == ["POST /v1/b2b/sessions/authenticate"]


def test_a_story_reads_in_node_as_it_does_in_the_guide(consumer, new_consumer):
    """Without the models of Python's SDK in between: what a Node back end has in its hands."""
    user = new_consumer()
    made = consumer.ask(("totps", "create"), {"user_id": user.user_id, "expiration_minutes": 60})
    user.secret = made["secret"]
    assert made["qr_code"].startswith("data:image/png;base64,")
    done = consumer.ask(("totps", "authenticate"), {"user_id": user.user_id, "totp_code": user.code()})
    assert (done["totp_id"], done["session"], done["session_token"]) == (made["totp_id"], None, "")
    assert factors(user.session().session) == ["password"]
