"""A code of another minute: a person is told that the phone's clock is off, a guesser gains nothing by it."""

import base64
import hashlib

import pyotp
import pytest

from stytch_totp import errors
from stytch_totp.core import totp
from stytch_totp.models import AuditEvent, TOTPRegistration
from stytch_totp.operations import enrolment, verification
from tests.clock import CLOCK
from tests.conftest import API
from tests.factories import ACTOR, code_of, enrol, wrong_code
from tests.operations.situations import begin, budget, find, fresh, refusal, session_of

pytestmark = pytest.mark.django_db(transaction=True)

FAR = (-11, 11, 12, -40, 2880)
PAST, FUTURE = (-10, -9, -2), (2, 3, 10)
#: One whose codes of all these steps differ.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.fixture(autouse=True)
def _no_code_coincides(monkeypatch):
    monkeypatch.setattr(pyotp, "random_base32", lambda *_: SECRET)


def migrated(member):
    return enrol(member)[0]


def begun(member):
    return enrolment.create(fresh(member), proof=None, actor=ACTOR).secret


@pytest.fixture(params=[migrated, begun], ids=["active", "pending"])
def secret(request, member):
    """Of a registration in either state: both take codes."""
    return request.param(member)


def authenticate(member, code, proof=None):
    member = fresh(member)
    return verification.authenticate(member, code=code, proof=proof or begin(member), actor=ACTOR)


def refused(member, code, proof=None):
    return refusal(lambda: authenticate(member, code, proof))


def burnt():
    return TOTPRegistration.objects.get().burnt_step


@pytest.mark.parametrize("steps", PAST + FUTURE)
def test_a_code_of_a_near_step_is_refused_as_one_of_another_minute_and_charged(member, secret, steps):
    assert refused(member, code_of(secret, steps=steps)) is errors.AuthenticatorClockOff
    assert budget(member, "totp") == (1, 0)
    assert AuditEvent.objects.filter(tag="member:totp:refused").count() == 1
    assert burnt() == (totp.step_at(CLOCK()) + steps if steps > 0 else -1)


@pytest.mark.parametrize("steps", FAR)
def test_a_code_of_a_step_further_away_is_wrong_and_burns_nothing(member, secret, steps):
    assert refused(member, code_of(secret, steps=steps)) is errors.UnableToAuthenticateTOTP
    assert (budget(member, "totp"), burnt()) == ((1, 0), -1)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_tv02_the_window_that_accepts_is_what_it_was(member, secret, steps):
    assert authenticate(member, code_of(secret, steps=steps)).granted.token
    assert (budget(member, "totp"), burnt()) == ((0, 0), -1)


@pytest.mark.parametrize("shown", FUTURE)
@pytest.mark.parametrize("early", [-1, 0, 1])
def test_a_code_that_was_shown_too_early_is_refused_when_its_time_comes(member, secret, clock, shown, early):
    """In each of the three steps in which it would have been right: as a replay, which costs nothing."""
    code = code_of(secret, steps=shown)
    refused(member, code)
    clock.advance(30 * (shown + early))
    for _ in range(2):
        assert refused(member, code) is errors.TOTPCodeAlreadyAuthenticated
    assert budget(member, "totp") == (1, 0)
    assert AuditEvent.objects.filter(tag="member:totp:replayed").count() == 2


@pytest.mark.parametrize("shown", FUTURE)
def test_its_neighbours_are_as_good_as_ever(member, secret, clock, shown):
    refused(member, code_of(secret, steps=shown))
    clock.advance(30 * shown)
    for steps in (-1, 1):
        assert authenticate(member, code_of(secret, steps=steps)).granted.token
    assert budget(member, "totp") == (0, 0)


def test_a_burnt_code_leaves_a_pending_registration_pending(member, clock):
    secret = begun(member)
    code = code_of(secret, steps=5)
    refused(member, code)
    clock.advance(150)
    refused(member, code)
    assert fresh(member).active_totp_id is None


@pytest.mark.parametrize("other", [*PAST, *FAR])
def test_a_code_of_no_future_leaves_a_burnt_step_burnt(member, secret, clock, other):
    code = code_of(secret, steps=4)
    refused(member, code)
    refused(member, code_of(secret, steps=other))
    refused(member, wrong_code(secret))
    clock.advance(120)
    assert refused(member, code) is errors.TOTPCodeAlreadyAuthenticated


def test_a_success_leaves_a_burnt_step_burnt(member, secret, clock):
    code = code_of(secret, steps=4)
    refused(member, code)
    assert authenticate(member, code_of(secret)).granted.token
    clock.advance(120)
    assert refused(member, code) is errors.TOTPCodeAlreadyAuthenticated


def test_of_two_steps_that_a_code_is_right_for_the_later_is_burnt(member, clock):
    """Found by search: this secret's codes of the steps 60000000 and 60000001 are the same six digits."""
    secret = base64.b32encode(hashlib.sha256(b"1348379").digest()[:20]).decode()
    enrolment.migrate(member, secret=secret, recovery_codes=[], actor=ACTOR)
    clock.at = 59_999_995 * 30.0
    assert refused(member, code_of(secret, steps=5)) is errors.AuthenticatorClockOff
    assert burnt() == 60_000_001


@pytest.mark.parametrize("steps", PAST + FUTURE)
def test_rl01_ten_codes_of_another_minute_lock_as_ten_wrong_ones_do(member, secret, steps):
    code = code_of(secret, steps=steps)
    for _ in range(10):
        assert refused(member, code) is errors.AuthenticatorClockOff
    assert budget(member, "totp") == (10, 1)
    assert refused(member, code_of(secret)) is errors.Locked


@pytest.mark.parametrize("steps", PAST + FUTURE)
def test_a_login_under_way_pays_for_it_as_for_a_wrong_one(member, secret, steps):
    proof = begin(member)
    for _ in range(2):
        assert refused(member, code_of(secret, steps=steps), proof) is errors.AuthenticatorClockOff
    proof.refresh_from_db()
    assert proof.failures == 2


def test_tv08_on_the_wire_nothing_tells_it_from_a_wrong_code(member, secret):
    """Neither the body nor a header: only pages say it, and a page's visitor has a password."""
    session = session_of(member, "password")
    call, ids = API(), {"organization_id": member.organization.slug, "member_id": fresh(member).public_id}
    answers = []
    for code in (wrong_code(secret), *(code_of(secret, steps=steps) for steps in (*PAST, *FUTURE))):
        body = ids | {"code": code, "session_token": session.reveal()}
        response = call("POST", "/v1/b2b/totp/authenticate", body)
        told = {**response.json(), "request_id": ""}
        headers = {name: value for name, value in response.headers.items() if name.lower() != "x-request-id"}
        answers.append((response.status_code, told, headers))
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)
    assert find(session_token=session.reveal()).factors == session.factors
