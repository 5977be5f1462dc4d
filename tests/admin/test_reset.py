"""After a reset by staff nothing that was good before is good any more, and a new enrolment is asked for (AA-05)."""

import pytest

from stytch_totp import errors
from stytch_totp.core import jwt
from stytch_totp.core.factors import factor
from stytch_totp.models import Guard, Member, TOTPRegistration
from stytch_totp.operations import (
    discovery,
    enrolment,
    grants,
    members,
    passwords,
    recovery,
    sessions,
    users,
    verification,
)
from tests.admin.desk import act_of, do, page_of, staff_member
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol
from tests.operations.situations import PASSWORD, find, fresh, present, refusal, session_of
from tests.operations.situations import person as member_with_password
from tests.web.visitors import Visitor, log_in, person, verify

pytestmark = pytest.mark.django_db

INSIDE = "/"
RESETTING = ("view_member", "reset_mfa_member")


def reset(member, staff=None):
    staff = staff or staff_member(*RESETTING)
    answer = do(staff, act_of(member, "reset_mfa"))
    assert answer.status_code == 302, answer.content
    return staff


def log_in_by_password(member):
    return passwords.authenticate(
        fresh(member).organization, email=member.email, password=PASSWORD, proof=None, actor=ACTOR
    )


def after_login(member):
    return present(intermediate_session_token=log_in_by_password(member).intermediate_session_token)


@pytest.fixture
def ada(organization):
    """Somebody in an organization that leaves MFA to its members, enrolled, logged in by every way there is."""
    assert organization.mfa_policy == "OPTIONAL"
    return member_with_password(organization=organization)


def test_aa05_every_artefact_from_before_is_dead(ada, clock):
    secret, codes = enrol(ada)
    granted = sessions.authenticate(session_of(fresh(ada), "password", "totp"))
    begun = grants.begin(ada, [factor("password", None, int(clock.at))], ACTOR)
    found = discovery.authenticate(email=ada.email, password=PASSWORD, actor=ACTOR)
    discovered = present(intermediate_session_token=found.intermediate_session_token)
    reset(ada)
    clock.advance(30)

    def show(code, proof):
        return verification.authenticate(fresh(ada), code=code, proof=proof, actor=ACTOR)

    artefacts = {
        "TOTP code": lambda: show(code_of(secret), after_login(ada)),
        "recovery code": lambda: recovery.recover(fresh(ada), code=codes[0], proof=after_login(ada), actor=ACTOR),
        "session token": lambda: find(session_token=granted.token),
        "session JWT": lambda: find(session_jwt=granted.jwt),
        "intermediate session": lambda: present(intermediate_session_token=begun),
        "login by discovery": lambda: discovery.exchange(discovered, ada.organization, actor=ACTOR),
        "its list": lambda: discovery.memberships(discovered),
    }
    refused = {name: refusal(work) for name, work in artefacts.items()}
    print(refused)
    assert None not in refused.values()
    clock.advance(jwt.LIFETIME)
    assert refusal(lambda: sessions.find(None, session_jwt=granted.jwt, expired_jwt=False)) is not None
    assert (TOTPRegistration.objects.filter(member=ada).count(), fresh(ada).mfa_enrolled) == (0, True)


def test_aa05_a_totp_that_was_begun_cant_be_confirmed(ada, clock):
    done = enrolment.create(ada, proof=None, actor=ACTOR)
    reset(ada)
    work = lambda: verification.authenticate(  # noqa: E731
        fresh(ada), code=code_of(done.secret), proof=session_of(fresh(ada), "password"), actor=ACTOR
    )
    assert refusal(work) is errors.TOTPNotFound


@pytest.mark.parametrize("phone", [False, True])
def test_aa05_the_next_login_must_enrol_whatever_the_policy_says_and_a_phone_is_no_way_around(ada, phone):
    enrol(ada)
    Member.objects.filter(pk=ada.pk).update(mfa_phone_number="+15005550006", mfa_phone_verified=phone)
    assert not log_in_by_password(ada).mfa_owed
    reset(ada)
    done = log_in_by_password(ada)
    assert (done.granted, done.mfa_owed) == (None, True)
    proof = present(intermediate_session_token=done.intermediate_session_token)
    made = enrolment.create(fresh(ada), proof=proof, actor=ACTOR)
    assert verification.authenticate(fresh(ada), code=code_of(made.secret), proof=proof, actor=ACTOR).granted
    assert log_in_by_password(ada).mfa_owed


def test_aa05_a_lock_stays_and_can_be_lifted_by_itself(ada):
    enrol(ada)
    Guard.objects.filter(member=ada).update(failures=10, locks=1, locked_at=1, locked_until=1_800_009_000)
    staff = staff_member(*RESETTING, "unlock_member")
    assert b"A lock stays; lift it by itself." in staff.get(act_of(ada, "reset_mfa")).content
    reset(ada, staff)
    assert Guard.objects.filter(member=ada, locked_until=1_800_009_000).count() == 3
    assert do(staff, act_of(ada, "unlock")).status_code == 302
    assert Guard.objects.filter(member=ada, locked_until=0).count() == 3


@pytest.mark.parametrize("consumer", [False, True])
def test_aa05_a_visit_elsewhere_ends_within_recheck_seconds_and_the_next_enrols(consumer, clock):
    """In an organization that leaves it to its members, and of a User who belongs to none."""
    made = person(None if consumer else OrganizationFactory.create())
    member = users.sync_user(made.user) if consumer else made.member
    secret, _ = enrol(member)
    log_in(made.client, made.user)
    verify(made.client, secret)
    assert made.led_to(INSIDE) == ""
    reset(member)
    clock.advance(30)
    assert made.led_to(INSIDE) == "/accounts/login/"
    log_in(made.client, made.user)
    assert made.led_to(INSIDE) == "/mfa/enrol/"
    clock.advance(30)
    answer = made.client.post("/mfa/verify/", {"code": code_of(secret)})
    assert answer.status_code != 302 or "/mfa/enrol/" in answer["Location"]
    assert made.led_to(INSIDE) == "/mfa/enrol/"


def test_aa05_staff_neither_see_nor_choose_a_secret(ada, monkeypatch):
    secret, codes = enrol(ada)
    session = session_of(fresh(ada), "password", "totp")
    staff = staff_member(*RESETTING, "view_session", "view_auditevent")
    said = [staff.get(url).content for url in (page_of(ada), act_of(ada, "reset_mfa"))]
    data = {"reason": "Ticket 4711 called", "secret": "A" * 32, "code": "123456", "recovery_codes": "aaaa-bbbb-cccc"}
    answer = staff.client.post(act_of(ada, "reset_mfa"), data)
    assert answer.status_code == 302
    said += [answer.content, staff.get(answer["Location"]).content, staff.get(page_of(ada)).content]
    hidden = [secret, session.reveal(), *codes]
    assert not any(one.encode() in page for one in hidden for page in said)
    assert TOTPRegistration.objects.filter(member=ada).count() == 0
    done = enrolment.create(fresh(ada), proof=after_login(ada), actor=ACTOR)
    assert done.secret not in ("A" * 32, secret)
    assert done.secret.encode() not in staff.get(page_of(ada)).content


def test_aa05_one_membership_is_reset_and_not_the_persons_others(ada):
    other = member_with_password(email=ada.email)
    enrol(ada)
    enrol(other)
    reset(ada)
    assert (members.reload(ada).registrations.count(), members.reload(other).registrations.count()) == (0, 1)


# AA-13


def test_aa13_a_password_alone_is_admitted_to_no_page_of_the_admin(ada):
    from tests.admin.crawl import guessed

    staff = staff_member(superuser=True, stale=True)
    tried = 0
    for url in guessed():
        if url == "/admin/jsi18n/":
            continue
        answer = staff.get(url)
        assert answer["Location"].startswith("/mfa/verify/"), url
        answer = staff.client.post(url, {"reason": "Ticket 4711 called", "post": "yes"})
        assert (answer.status_code, answer.json()["error_type"]) == (403, "mfa_required"), url
        tried += 2
    print(f"{tried} requests")
    assert tried > 100


def test_aa13_the_admins_own_login_admits_nobody_further(ada):
    made = person(OrganizationFactory.create(), enrolled=True, is_staff=True, is_superuser=True)
    browser = Visitor()
    login = {"username": made.user.username, "password": "correct horse battery", "next": page_of(ada)}
    assert browser.client.post("/admin/login/", login)["Location"] == page_of(ada)
    assert browser.led_to(page_of(ada)) == "/mfa/verify/"
    verify(browser.client, made.secret)
    assert browser.led_to(page_of(ada)) == ""


def test_aa13_who_has_no_second_factor_enrols_one_first(ada, configure):
    made = person(OrganizationFactory.create(), is_staff=True, is_superuser=True)
    log_in(made.client, made.user)
    assert made.led_to(page_of(ada)) == "/mfa/enrol/"
    configure(ADMIN_REQUIRES_MFA=False)
    assert made.led_to(page_of(ada)) == ""
    assert made.led_to(act_of(ada, "reset_mfa")) == "/mfa/enrol/"
    assert do(made, act_of(ada, "reset_mfa")).status_code == 302
    assert not fresh(ada).mfa_enrolled
