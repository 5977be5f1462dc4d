"""What ends a visit or takes its mark away, and how soon."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY

from stytch_totp.conf import public_id
from stytch_totp.models import Organization, Session, TOTPRegistration
from stytch_totp.operations import enrolment, members, organizations, sessions
from tests.clock import Clock
from tests.conftest import API
from tests.factories import ACTOR, OrganizationFactory, enrol
from tests.web.visitors import (
    LOGIN,
    PASSWORD,
    STAFF,
    Visitor,
    choose,
    join,
    log_in,
    person,
    verify,
    visitor,
)

pytestmark = pytest.mark.usefixtures("more_views")


# How soon it takes effect


def _by_api(path: str) -> Callable[[Visitor], Any]:
    def delete(made: Visitor) -> None:
        assert made.member
        organization, member = made.member.organization_id, made.member.pk
        tenant = public_id("organization", organization)
        answer = API()("DELETE", f"/v1/b2b/organizations/{tenant}/members/{public_id('member', member)}{path}")
        assert answer.status_code == 200, answer.content

    return delete


ENDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "sessions of the member revoked": (lambda made: sessions.revoke_of_member(made.member, actor=ACTOR), LOGIN),
    "session revoked": (lambda made: sessions.revoke(Session.objects.get(member=made.member), actor=ACTOR), LOGIN),
    "TOTP deleted": (_by_api("/totp"), "/mfa/enrol/"),
    "member deleted": (_by_api(""), LOGIN),
    "organization deleted": (lambda made: organizations.delete(made.member.organization, actor=ACTOR), LOGIN),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_end_reaches_a_verified_visit_within_recheck_seconds(acme: Organization, clock: Clock, end: str):
    made, (bring_about, place) = visitor("verified", acme), ENDS[end]
    bring_about(made)
    clock.advance(29)
    assert made.led_to() == ""
    clock.advance(1)
    assert made.led_to() == place


@pytest.mark.parametrize("end", ENDS)
def test_an_end_reaches_a_verified_visit_at_once_where_nothing_is_taken_for_granted(
    configure: Any, acme: Organization, end: str
):
    configure(RECHECK_SECONDS=0)
    made, (bring_about, place) = visitor("verified", acme), ENDS[end]
    assert made.led_to() == ""
    bring_about(made)
    assert made.led_to() == place


@pytest.mark.parametrize("end", ENDS)
def test_an_end_reaches_a_visit_by_password_at_once(acme: Organization, end: str):
    made, (bring_about, place) = visitor("password_only", acme), ENDS[end]
    assert made.led_to("/mfa/verify/") == ""
    assert made.client.post("/mfa/verify/", {"code": "000000"}).status_code == 200  # a session stands behind it now
    bring_about(made)
    assert made.led_to() == place


def test_a_revocation_reaches_a_visit_that_has_asked_for_nothing_yet(globex: Organization):
    made = person(globex)
    log_in(made.client, made.user)
    sessions.revoke_of_member(made.member, actor=ACTOR)
    assert made.led_to() == LOGIN


def test_a_policy_that_becomes_strict_stops_who_is_not_verified_at_once_and_nobody_else(globex: Organization):
    free, strong = visitor("not_enrolled", globex), visitor("verified", globex)
    assert (free.led_to(), strong.led_to()) == ("", "")
    organizations.update(globex, actor=ACTOR, mfa_policy="REQUIRED_FOR_ALL")
    assert (free.led_to(), strong.led_to()) == ("/mfa/enrol/", "")


def test_the_directory_of_plain_users_may_ask_everybody(configure: Any, db: None):
    made = person()
    log_in(made.client, made.user)
    assert made.led_to() == ""
    configure(USERS_REQUIRE_MFA=True)
    assert made.led_to() == "/mfa/enrol/"


# What drops the mark (MW-02)


def _switch_user(made: Visitor) -> None:
    other = person(made.member.organization, enrolled=True)
    made.client.post("/accounts/login/", {"username": other.user.username, "password": PASSWORD})


def _change_password(made: Visitor) -> None:
    word = "an even better password"
    form = {"old_password": PASSWORD, "new_password1": word, "new_password2": word}
    assert made.client.post("/accounts/password_change/", form).status_code == 302


def _change_password_elsewhere(made: Visitor) -> None:
    made.user.set_password("an even better password")
    made.user.save()


def _reset_factor(made: Visitor) -> None:
    enrolment.delete(made.member, actor=ACTOR)
    enrol(members.reload(made.member))


def _switch_organization(made: Visitor) -> None:
    choose(made.client, join(made, OrganizationFactory.create(mfa_policy="REQUIRED_FOR_ALL"), enrolled=True).member)


def _log_in_anew(made: Visitor) -> None:
    made.client.post("/accounts/login/", {"username": made.user.username, "password": PASSWORD})


TRANSITIONS: dict[str, tuple[Callable[[Visitor], Any], str]] = {
    "another user": (_switch_user, "/mfa/verify/"),
    "the same user again": (_log_in_anew, "/mfa/verify/"),
    "password changed": (_change_password, "/mfa/verify/"),
    "password changed elsewhere": (_change_password_elsewhere, LOGIN),
    "factor replaced": (_reset_factor, "/mfa/verify/"),
    "another organization": (_switch_organization, "/mfa/verify/"),
    "logged out": (lambda made: made.client.post("/accounts/logout/"), LOGIN),
    "revoked": (ENDS["session revoked"][0], LOGIN),
}


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_mw02_what_was_shown_counts_no_more(acme: Organization, clock: Clock, transition: str):
    made, (change, place) = visitor("verified", acme), TRANSITIONS[transition]
    change(made)
    if transition in ("factor replaced", "revoked"):
        clock.advance(30)
    assert made.led_to() == place


@pytest.mark.parametrize("transition", ["logged out", "another user", "the same user again"])
def test_mw02_a_cookie_from_before_is_worth_nothing(acme: Organization, transition: str):
    made, thief = visitor("verified", acme), Visitor()
    thief.client.cookies.update(made.client.cookies)
    TRANSITIONS[transition][0](made)
    if transition == "the same user again":  # Django keeps the key then, so it is worth what the password is
        assert thief.led_to() == "/mfa/verify/"
        verify(made.client, made.secret)
    assert thief.led_to() == LOGIN


def test_se06_showing_a_factor_changes_the_session_key(acme: Organization):
    made = visitor("password_only", acme)
    made.get("/mfa/verify/")
    keys = [made.client.session.session_key]
    verify(made.client, made.secret)
    keys.append(made.client.session.session_key)
    made.client.post("/mfa/recover/", {"code": made.codes[0]})
    keys.append(made.client.session.session_key)
    choose(made.client, made.member)  # type: ignore[arg-type]
    keys.append(made.client.session.session_key)
    made.client.post("/mfa/remove/")
    keys.append(made.client.session.session_key)
    assert len(set(keys)) == 5
    for key in keys[:-1]:
        assert not type(made.client.session)(key).exists(key)


@pytest.mark.parametrize("enrolled", [True, False])
def test_mw04_whoever_takes_a_users_place_in_the_session_inherits_nothing(acme: Organization, enrolled: bool):
    made, target = visitor("verified", acme, **STAFF), person(acme, enrolled=enrolled)
    session = made.client.session
    session[SESSION_KEY] = str(target.user.pk)
    session[HASH_SESSION_KEY] = target.user.get_session_auth_hash()
    session.save()
    assert made.led_to() == ("/mfa/verify/" if enrolled else "/mfa/enrol/")
    enrolling = made.get("/mfa/enrol/")
    assert enrolling.status_code == (302 if enrolled else 403)  # no phone of the impersonator's
    assert TOTPRegistration.objects.filter(member=target.member).count() == int(enrolled)
    assert made.get("/mfa/codes/").status_code == 302
