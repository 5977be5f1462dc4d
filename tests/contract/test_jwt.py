"""Session JWTs as a back end checks them: by our key set and without asking us, and by asking us when that is due."""

import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.contract import openapi
from tests.contract.driver import SDK_TESTS, refused
from tests.contract.situations import STEP, factors
from tests.live import PROJECT_ID

pytestmark = SDK_TESTS

OTHER_PROJECT = "project-test-33333333-3333-4333-8333-333333333333"
NOT_OURS = (400, "unable_to_parse_session_jwt")
#: Signs the claims of the JWT at the end, as they are but for another project, with the server's own key.
FOR_ANOTHER_PROJECT = """
import jwt
from stytch_totp.operations import signing
claims = jwt.decode({token!r}, options={{"verify_signature": False}})
print(signing.sign(claims | {{"aud": [{project!r}], "iss": "stytch.com/" + {project!r}}}))
"""


def calls(sdk, token, **options):
    """The session that the SDK makes of a JWT, and the calls to the API that it took."""
    sdk.exchanges.clear()
    answer = sdk.sessions.authenticate_jwt(token, **options)
    return answer, [exchange.name for exchange in sdk.exchanges]


ASKED = ["POST /v1/b2b/sessions/authenticate"]


def test_a_fresh_jwt_is_verified_without_a_call(sdk, new):
    person = new(enrolled=True)
    login = person.session(session_custom_claims={"plan": "pro", "limits": {"seats": 7}})
    session = person.verify(session_token=login.session_token)
    answer, asked = calls(sdk, session.session_jwt)
    assert asked == []
    assert answer.member_session == session.member_session
    assert answer.session_jwt == session.session_jwt
    local = sdk.sessions.authenticate_jwt_local(session.session_jwt)
    assert local == session.member_session
    assert factors(local) == ["password", "totp"]
    assert local.custom_claims == {"plan": "pro", "limits": {"seats": 7}}
    assert (local.roles, local.organization_id) == (["stytch_member"], person.organization_id)


def test_a_jwt_says_what_the_contract_has_it_say(new, server_clock):
    person = new(roles=["stytch_admin"])
    token = person.session(session_custom_claims={"plan": "pro"}).session_jwt
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    organization, session = (claims.pop(f"https://stytch.com/{name}") for name in ("organization", "session"))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": header["kid"]}
    assert header["kid"].startswith("jwk-test-")
    assert claims == {
        "aud": [PROJECT_ID],
        "iss": f"stytch.com/{PROJECT_ID}",
        "sub": person.member_id,
        "iat": server_clock.now,
        "nbf": server_clock.now,
        "exp": server_clock.now + 300,
        "plan": "pro",
    }
    slug = person.sdk.organizations.get(person.organization_id).organization.organization_slug
    assert organization == {"organization_id": person.organization_id, "slug": slug}
    assert set(session) == {
        "id",
        "started_at",
        "last_accessed_at",
        "expires_at",
        "attributes",
        "authentication_factors",
        "roles",
    }
    assert session["attributes"] == {"ip_address": "", "user_agent": ""}
    assert session["roles"] == ["stytch_member", "stytch_admin"]


def test_an_expired_jwt_is_taken_to_the_api_and_comes_back_fresh(sdk, new, server_clock):
    server_clock.set(time.time() - 600)
    person = new()
    old = person.session()
    server_clock.set(time.time() // STEP * STEP)
    assert sdk.sessions.authenticate_jwt_local(old.session_jwt) is None
    answer, asked = calls(sdk, old.session_jwt)
    assert asked == ASKED
    assert answer.member_session.member_session_id == old.member_session.member_session_id
    assert answer.session_jwt != old.session_jwt
    _, asked = calls(sdk, answer.session_jwt)
    assert asked == []


def test_a_jwt_older_than_its_reader_wants_is_taken_to_the_api(sdk, new):
    token = new().session().session_jwt
    assert sdk.sessions.authenticate_jwt_local(token, max_token_age_seconds=0) is None
    answer, asked = calls(sdk, token, max_token_age_seconds=0, session_custom_claims={"seen": True})
    assert asked == ASKED
    assert answer.member_session.custom_claims == {"seen": True}
    _, asked = calls(sdk, token, max_token_age_seconds=299)
    assert asked == []


def test_a_revoked_session_is_refused_at_once_by_the_api_and_its_jwt_until_it_expires(sdk, new):
    session = new().session()
    sdk.sessions.revoke(member_session_id=session.member_session.member_session_id)
    for name in ("session_token", "session_jwt"):
        answer = refused(sdk.sessions.authenticate, **{name: getattr(session, name)})
        assert answer == (404, "session_not_found")
    asked = refused(sdk.sessions.authenticate_jwt, session.session_jwt, max_token_age_seconds=0)
    assert asked == (404, "session_not_found")
    # The documented price of checking locally (contract 6.17).
    assert sdk.sessions.authenticate_jwt(session.session_jwt).member_session == session.member_session


def test_an_expired_session_is_refused_though_its_jwt_is_ours(sdk, new, server_clock):
    session = new().session(session_duration_minutes=5)
    server_clock.advance(299)
    assert sdk.sessions.authenticate(session_jwt=session.session_jwt)
    server_clock.advance(1)
    assert refused(sdk.sessions.authenticate, session_jwt=session.session_jwt) == (404, "session_not_found")


def test_se11_a_jwt_that_our_key_signed_for_another_project_is_refused(sdk, live, new):
    token = new().session().session_jwt
    foreign = live.manage(code=FOR_ANOTHER_PROJECT.format(token=token, project=OTHER_PROJECT)).split()[-1]
    assert sdk.sessions.authenticate_jwt_local(foreign) is None
    assert refused(sdk.sessions.authenticate_jwt, foreign) == NOT_OURS
    for call in (sdk.sessions.authenticate, sdk.sessions.revoke):
        assert refused(call, session_jwt=foreign) == NOT_OURS
    assert sdk.sessions.authenticate_jwt(token)


@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}])
def test_a_jwt_under_our_key_id_by_somebody_elses_key_is_refused(sdk, new, header):
    token = new().session().session_jwt
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, options={"verify_signature": False})
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, theirs, algorithm="RS256", headers={**header, "kid": kid})
    assert sdk.sessions.authenticate_jwt_local(forged) is None
    assert refused(sdk.sessions.authenticate_jwt, forged) == NOT_OURS


def test_the_key_set_is_the_same_with_and_without_credentials_and_has_only_public_members(sdk, live):
    keys = sdk.sessions.get_jwks(PROJECT_ID).keys
    path = f"/v1/b2b/sessions/jwks/{PROJECT_ID}"
    anonymous = requests.get(live.url + path, timeout=30)
    openapi.check("GET", path, anonymous.status_code, anonymous.headers["Content-Type"], anonymous.json())
    assert anonymous.headers["Cache-Control"] == "public, max-age=300"
    assert anonymous.json()["keys"] == [key.model_dump(by_alias=True) for key in keys]
    assert {(key.kty, key.use, key.alg, tuple(key.key_ops)) for key in keys} == {("RSA", "sig", "RS256", ("verify",))}
    assert len({key.kid for key in keys}) == len(keys) > 0


def test_the_key_set_of_another_project_is_not_found(sdk):
    assert refused(sdk.sessions.get_jwks, OTHER_PROJECT) == (404, "project_not_found")
