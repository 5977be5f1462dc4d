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


@pytest.fixture(params=["b2b", "consumer"])
def product(request, way):
    return request.param


@pytest.fixture
def somebody(request, product):
    """Make a member or a user: both log in, show their app and have sessions."""
    return request.getfixturevalue("new" if product == "b2b" else "new_consumer")


@pytest.fixture
def api(request, product):
    """The SDK that ``somebody`` is made through."""
    return request.getfixturevalue("sdk" if product == "b2b" else "consumer")


def session_of(answer):
    return answer.session if hasattr(answer, "session") else answer.member_session


def id_of(session):
    return session.session_id if hasattr(session, "session_id") else session.member_session_id


def calls(api, token, **options):
    """The session that the SDK makes of a JWT, and the calls to the API that it took."""
    api.exchanges.clear()
    answer = api.sessions.authenticate_jwt(token, **options)
    return answer, [exchange.name for exchange in api.exchanges]


ASKED = {"b2b": ["POST /v1/b2b/sessions/authenticate"], "consumer": ["POST /v1/sessions/authenticate"]}


def test_a_fresh_jwt_is_verified_without_a_call(api, somebody, product):
    person = somebody(enrolled=True)
    login = person.session(session_custom_claims={"plan": "pro", "limits": {"seats": 7}})
    done = person.verify(session_token=login.session_token)
    answer, asked = calls(api, done.session_jwt)
    assert asked == []
    assert answer.session_jwt == done.session_jwt
    local = api.sessions.authenticate_jwt_local(done.session_jwt)
    assert session_of(answer) == local
    # A User's JWT says nothing of its caller: the attributes are empty there, too.
    assert local == session_of(done)
    assert factors(local) == ["password", "totp"]
    assert local.custom_claims == {"plan": "pro", "limits": {"seats": 7}}
    assert local.roles == ["stytch_member" if product == "b2b" else "stytch_user"]


def test_a_jwt_says_what_the_contract_has_it_say(somebody, product, server_clock):
    person = somebody(roles=["stytch_admin"])
    done = person.session(session_custom_claims={"plan": "pro"})
    header = jwt.get_unverified_header(done.session_jwt)
    claims = jwt.decode(done.session_jwt, options={"verify_signature": False})
    organization, session = (claims.pop(f"https://stytch.com/{name}", None) for name in ("organization", "session"))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": header["kid"]}
    assert header["kid"].startswith("jwk-test-")
    assert claims == {
        "aud": [PROJECT_ID],
        "iss": f"stytch.com/{PROJECT_ID}",
        "sub": person.member_id if product == "b2b" else person.user_id,
        "iat": server_clock.now,
        "nbf": server_clock.now,
        "exp": server_clock.now + 300,
        "plan": "pro",
    }
    if product == "b2b":
        slug = person.sdk.organizations.get(person.organization_id).organization.organization_slug
        assert organization == {"organization_id": person.organization_id, "slug": slug}
    else:
        assert organization is None
    assert set(session) == {
        "id",
        "started_at",
        "last_accessed_at",
        "expires_at",
        "attributes",
        "authentication_factors",
        "roles",
    }
    assert session["id"] == id_of(session_of(done))
    assert session["attributes"] == {"ip_address": "", "user_agent": ""}
    assert session["roles"] == ["stytch_member" if product == "b2b" else "stytch_user", "stytch_admin"]


def test_an_expired_jwt_is_taken_to_the_api_and_comes_back_fresh(api, somebody, product, server_clock):
    server_clock.set(time.time() - 600)
    person = somebody()
    old = person.session()
    server_clock.set(time.time() // STEP * STEP)
    assert api.sessions.authenticate_jwt_local(old.session_jwt) is None
    answer, asked = calls(api, old.session_jwt)
    assert asked == ASKED[product]
    assert id_of(session_of(answer)) == id_of(session_of(old))
    assert answer.session_jwt != old.session_jwt
    _, asked = calls(api, answer.session_jwt)
    assert asked == []


def test_a_jwt_older_than_its_reader_wants_is_taken_to_the_api(api, somebody, product):
    token = somebody().session().session_jwt
    assert api.sessions.authenticate_jwt_local(token, max_token_age_seconds=0) is None
    answer, asked = calls(api, token, max_token_age_seconds=0, session_custom_claims={"seen": True})
    assert asked == ASKED[product]
    assert session_of(answer).custom_claims == {"seen": True}
    _, asked = calls(api, token, max_token_age_seconds=299)
    assert asked == []


def test_a_revoked_session_is_refused_at_once_by_the_api_and_its_jwt_until_it_expires(api, somebody):
    session = somebody().session()
    api.sessions.revoke(session_token=session.session_token)
    for name in ("session_token", "session_jwt"):
        answer = refused(api.sessions.authenticate, **{name: getattr(session, name)})
        assert answer == (404, "session_not_found")
    asked = refused(api.sessions.authenticate_jwt, session.session_jwt, max_token_age_seconds=0)
    assert asked == (404, "session_not_found")
    # The documented price of checking locally (contract 6.17).
    assert session_of(api.sessions.authenticate_jwt(session.session_jwt)) == session_of(session)


def test_an_expired_session_is_refused_though_its_jwt_is_ours(api, somebody, server_clock):
    session = somebody().session(session_duration_minutes=5)
    server_clock.advance(299)
    assert api.sessions.authenticate(session_jwt=session.session_jwt)
    server_clock.advance(1)
    assert refused(api.sessions.authenticate, session_jwt=session.session_jwt) == (404, "session_not_found")


def test_se11_a_jwt_that_our_key_signed_for_another_project_is_refused(api, live, somebody):
    token = somebody().session().session_jwt
    foreign = live.manage(code=FOR_ANOTHER_PROJECT.format(token=token, project=OTHER_PROJECT)).split()[-1]
    assert api.sessions.authenticate_jwt_local(foreign) is None
    assert refused(api.sessions.authenticate_jwt, foreign) == NOT_OURS
    for call in (api.sessions.authenticate, api.sessions.revoke):
        assert refused(call, session_jwt=foreign) == NOT_OURS
    assert api.sessions.authenticate_jwt(token)


@pytest.mark.parametrize("header", [{}, {"typ": "JWT"}])
def test_a_jwt_under_our_key_id_by_somebody_elses_key_is_refused(api, somebody, header):
    token = somebody().session().session_jwt
    kid = jwt.get_unverified_header(token)["kid"]
    claims = jwt.decode(token, options={"verify_signature": False})
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims, theirs, algorithm="RS256", headers={**header, "kid": kid})
    assert api.sessions.authenticate_jwt_local(forged) is None
    assert refused(api.sessions.authenticate_jwt, forged) == NOT_OURS


def test_te06_a_members_jwt_makes_no_user_where_it_is_checked_locally(consumer, new):
    """One project's keys sign for both products, and a consumer's SDK looks no further than signature and audience.

    So the subject must be nobody that a consumer back end knows, by its form.
    """
    member = new()
    local = consumer.sessions.authenticate_jwt_local(member.session().session_jwt)
    assert local.user_id == member.member_id
    assert not local.user_id.startswith("user-")


def test_the_key_set_is_one_for_all_and_has_only_public_members(api, live, product):
    keys = api.sessions.get_jwks(PROJECT_ID).keys
    assert {(key.kty, key.use, key.alg, tuple(key.key_ops)) for key in keys} == {("RSA", "sig", "RS256", ("verify",))}
    assert len({key.kid for key in keys}) == len(keys) > 0
    for prefix in ("/v1/b2b", "/v1"):
        path = f"{prefix}/sessions/jwks/{PROJECT_ID}"
        anonymous = requests.get(live.url + path, timeout=30)
        openapi.check("GET", path, anonymous.status_code, anonymous.headers["Content-Type"], anonymous.json())
        assert anonymous.headers["Cache-Control"] == "public, max-age=300"
        assert anonymous.json()["keys"] == [key.model_dump(by_alias=True) for key in keys]


def test_the_key_set_of_another_project_is_not_found(api):
    assert refused(api.sessions.get_jwks, OTHER_PROJECT) == (404, "project_not_found")
