"""What a Django session remembers of a visit, and where it begins and ends."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from stytch_totp.core.factors import factor
from stytch_totp.models import AuditEvent, Member, Session
from stytch_totp.operations import organizations, sessions, users
from stytch_totp.web.visits import KEY
from tests.clock import CLOCK
from tests.factories import ACTOR
from tests.web.visitors import (
    HTML,
    PASSWORD,
    choose,
    join,
    log_in,
    not_enrolled,
    password_only,
    person,
    unchecked,
    verified,
    verify,
)

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000


def kept(visitor):
    return visitor.client.session.get(KEY)


def rows(visitor):
    return Session.objects.filter(member=visitor.member)


def test_a_login_is_remembered_with_its_user_and_time_and_costs_no_row(acme):
    made = password_only(acme)
    generations = {str(made.member.pk): 0}
    assert kept(made) == {"user": str(made.user.pk), "logged_in_at": NOW, "generations": generations}
    assert not Session.objects.exists()


def test_what_is_kept_of_a_verified_visit_is_ids_and_times(acme):
    made = verified(acme)
    session = rows(made).get()
    stay = kept(made)["members"][str(made.member.pk)]
    assert kept(made)["member"] == str(made.member.pk)
    assert stay == {
        "hash": made.client.session["_auth_user_hash"],
        "session": str(session.pk),
        "slug": "acme",
        "factors": [factor("password", None, NOW), {**session.factors[1], "last_authenticated_at": NOW + 30}],
        "required": True,
        "checked_at": NOW + 30,
    }


@pytest.mark.parametrize(
    ("bounds", "minutes"),
    [
        ((86_400, 43_200), 1440),
        ((86_400, 60), 60),
        ((3_661, 43_200), 61),
        ((60, 43_200), 5),
        ((1, 43_200), 5),
        ((10**7, 43_200), 43_200),
    ],
)
def test_the_row_lives_as_long_as_the_cookie_within_bounds(acme, configure, settings, bounds, minutes):
    seconds, most = bounds
    configure(BROWSER_SESSION_MINUTES=most)
    settings.SESSION_COOKIE_AGE = seconds
    made = password_only(acme)
    made.get("/mfa/verify/")
    assert rows(made).get().expires_at == NOW + minutes * 60


@pytest.mark.parametrize("make", [verified, password_only, not_enrolled], ids=lambda make: make.__name__)
def test_a_hosts_tests_log_in_and_out_without_a_request(acme, make):
    """Django's test client calls ``login`` and ``logout`` with a request that came from nowhere."""
    made = make(acme)
    made.get("/mfa/enrol/")
    made.get("/mfa/verify/")
    log_in(made.client, made.user)
    assert set(kept(made)) == {"user", "logged_in_at", "generations"}
    made.get("/mfa/enrol/")
    made.get("/mfa/verify/")
    made.client.logout()
    assert made.client.session.get(KEY) is None
    assert {one.revoked_at for one in rows(made)} == {int(CLOCK())}


def test_se08_logging_out_ends_the_rows_of_every_membership(acme, globex):
    made = person(globex, enrolled=True)
    other, secret = made.member, made.secret
    log_in(made.client, made.user)
    verify(made.client, secret)
    join(made, acme, enrolled=True)
    choose(made.client, made.member)
    verify(made.client, made.secret)
    made.client.post("/accounts/logout/")
    assert set(Session.objects.values_list("member", "revoked_at")) == {
        (other.pk, int(CLOCK())),
        (made.member.pk, int(CLOCK())),
    }
    assert AuditEvent.objects.filter(tag="member:session:revoked", actor_kind="browser").count() == 2


def test_logging_in_again_begins_anew(acme):
    made = verified(acme)
    made.client.post("/accounts/login/", {"username": made.user.username, "password": PASSWORD})
    assert "members" not in kept(made)
    assert kept(made)["logged_in_at"] == int(CLOCK())
    assert rows(made).get().revoked_at == int(CLOCK())
    assert made.get("/")["Location"].startswith("/mfa/verify/")


def test_who_logs_out_without_a_visit_is_nobodys_loss(client):
    client.logout()
    log_in(client, person().user)
    client.logout()
    assert not Session.objects.exists()


def test_a_row_that_ran_out_is_made_anew_and_has_shown_nothing(acme):
    made = unchecked(acme)
    rows(made).update(expires_at=int(CLOCK()))
    assert made.get("/")["Location"].startswith("/mfa/verify/")
    verify(made.client, made.secret)
    assert rows(made).count() == 2
    assert made.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/mfa/", "/mfa/codes/", "/mfa/verify/", "/mfa/organizations/"])
def test_a_member_who_is_gone_while_the_visit_is_taken_for_granted_breaks_no_page(acme, path):
    """The host deletes an organization; within RECHECK_SECONDS somebody of it asks for a page."""
    made = verified(acme)
    organizations.delete(acme, actor=ACTOR)
    assert made.get(path).status_code < 500


@pytest.mark.parametrize("broken", [{}, {"user": "0"}, {"user": None}, {"members": {}}], ids=str)
def test_what_is_not_this_users_is_as_if_it_were_not_there(acme, broken):
    made = verified(acme)
    session = made.client.session
    session[KEY] = broken
    session.save()
    assert made.get("/")["Location"].startswith("/mfa/verify/")


def test_a_user_who_becomes_a_member_is_one_at_the_next_request(globex):
    made = person()
    log_in(made.client, made.user)
    assert made.get("/mfa/").context["mfa"].member is None
    users.sync_user(made.user, globex)
    assert made.get("/mfa/").context["mfa"].organization == globex


def test_a_membership_that_is_lost_ends_the_visit_that_acted_as_it(globex):
    made = not_enrolled(globex)
    made.get("/")
    Member.objects.filter(pk=made.member.pk).update(user=None)
    assert made.get("/")["Location"].startswith("/accounts/login/")
    assert get_user_model().objects.filter(pk=made.user.pk).exists()


@pytest.mark.parametrize("known", [True, False])
def test_the_hook_says_which_organization_a_request_is_about(configure, settings, acme, globex, known):
    settings.ALLOWED_HOSTS = [".example.org"]
    configure(ORGANIZATION_RESOLVER=lambda request: request.get_host().partition(".")[0])
    made = person(acme, enrolled=True)
    if known:
        join(made, globex)
    log_in(made.client, made.user)
    host = {"headers": {"Accept": HTML, "Host": "globex.example.org"}}
    response = made.client.get("/", **host)
    assert response.status_code == (200 if known else 403)
    assert made.client.get("/", headers={"Accept": HTML, "Host": "acme.example.org"}).status_code == 302


def test_a_client_without_a_session_is_nobody(acme):
    assert Client().get("/mfa/", headers={"Accept": HTML})["Location"] == "/accounts/login/?next=/mfa/"


def test_se08_a_revocation_of_a_member_who_came_after_the_login_is_not_forgotten(acme, globex):
    made = verified(acme)
    added = join(made, globex).member
    sessions.revoke_of_member(added, actor=ACTOR)
    choose(made.client, added)
    assert made.led_to("/").startswith("/accounts/login")
