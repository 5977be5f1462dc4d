"""The canary sweep of the admin: no secret is on any page, whatever a superuser asks for (AA-01, AA-03)."""

import logging
from unittest.mock import patch

import pyotp
import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from stytch_totp.conf import conf
from stytch_totp.models import (
    Guard,
    IntermediateSession,
    Member,
    Organization,
    RecoveryCode,
    Session,
    SigningKey,
    TOTPRegistration,
)
from stytch_totp.operations import enrolment, grants, members, signing
from tests.admin.crawl import MODELS, Crawl, autocompletes, guessed
from tests.admin.desk import act_of, do, limit, page_of, row_hashes, row_page, staff_member
from tests.factories import ACTOR, OrganizationFactory, make_member
from tests.operations.situations import find, session_of, user

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

WORD = "canary-b7d1e4f0"
#: Columns of secrets, by way of the tables that lists show.
ORACLES = {
    "member": [
        *("password__startswith", "password", "registrations__sealed_secret", "sessions__token_digest"),
        *("registrations__recovery_codes__digest__startswith", "trusted_metadata__contains", "user__id"),
        *("mfa_phone_number__startswith", "id__in", "pk", "email__startswith", "organization__id__exact"),
        "user__password__startswith",
    ],
    "organization": [
        *("trusted_metadata__key", "settings__key", "members__password__startswith", "slug__startswith"),
        *("members__registrations__sealed_secret__isnull", "stafflimit__user__password__startswith"),
    ],
    "session": [
        *("sealed_token__startswith", "token_digest", "member__password__startswith", "claims__key", "factors"),
    ],
    "auditevent": ["link__startswith", "details__key", "member_id", "ip_address", "user_agent_digest__startswith"],
    "supportrequest": ["member__password__startswith", "asked_by__password__startswith", "reason__startswith"],
    "stafflimit": [
        *("user__password__startswith", "organizations__members__password__startswith"),
        "organizations__trusted_metadata__key",
    ],
}


@pytest.fixture
def secrets(organization, configure):
    """Rows with a secret in every column that has any: what must never be seen."""
    secret, jwt_key = pyotp.random_base32(), signing.mint
    organization.trusted_metadata = organization.settings = {"key": f"organization-{WORD}"}
    organization.save()
    made = make_member(
        organization=organization,
        email="ada@example.com",
        password=make_password(f"password-{WORD}"),
        trusted_metadata={"key": f"trusted-{WORD}"},
        untrusted_metadata={"key": f"untrusted-{WORD}"},
    )
    kept = enrolment.migrate(made, secret=secret, recovery_codes=[], actor=ACTOR)
    pending = enrolment.create(user(email="bob@example.com"), proof=None, actor=ACTOR)
    session = session_of(members.reload(made), "password", "totp")
    Session.objects.filter(pk=session.pk).update(claims={"key": f"claims-{WORD}"})
    token = session.reveal()
    intermediate = grants.begin(made, session.factors, ACTOR)
    whole = [WORD, secret, pending.secret, token, jwt_key(find(session_token=token)), intermediate, conf().secrets[0]]
    whole += [*kept.recovery_codes, *pending.recovery_codes, *conf().keyring, conf().keyring[0].partition(":")[2]]
    whole += [made.password, session.token_digest, IntermediateSession.objects.get().token_digest]
    whole += list(RecoveryCode.objects.values_list("digest", flat=True))
    key = SigningKey.objects.get()
    pem = key.reveal().decode()
    whole += [pem.splitlines()[3], key.n]
    sealed = [*TOTPRegistration.objects.values_list("sealed_secret", flat=True), bytes(session.sealed_token)]
    sealed += [bytes(row) for row in RecoveryCode.objects.values_list("sealed_code", flat=True)]
    whole += [form for one in map(bytes, sealed) for form in (one.hex(), repr(one)[2:-1][:40])]
    return {"member": made, "canaries": tuple(one.encode() for one in whole), "token": token}


@pytest.fixture
def desk(secrets, configure):
    """A superuser before whom lie rows of every kind, and what is to be searched for."""
    configure(SECOND_APPROVER=True)
    made = staff_member(superuser=True)
    assert do(made, act_of(secrets["member"], "reset_mfa")).status_code == 302
    limit(staff_member().user, secrets["member"].organization)
    Guard.objects.filter(member=secrets["member"]).update(failures=10, locks=1, locked_until=1_800_009_000)
    for _ in range(3):
        make_member(organization=OrganizationFactory.create())
    own = [made.user.password, made.secret, *made.codes, made.client.session.session_key]
    return Crawl(made, canaries=(*secrets["canaries"], *(one.encode() for one in own)))


def test_aa01_aa03_no_page_shows_a_secret_and_none_that_is_looked_at_changes_a_row(desk, secrets):
    before = row_hashes()
    desk.follow(*guessed())
    statuses = sorted(set(desk.pages.values()))
    print(f"{len(desk.pages)} pages, {desk.megabytes} MB, {len(desk.canaries)} canaries, answers {statuses}")
    assert desk.hits == []
    assert row_hashes() == before
    assert len(desk.pages) > 300
    assert set(statuses) <= {200, 302, 400, 403, 404}
    shown = {url for url, status in desk.pages.items() if status == 200}
    for model in MODELS:
        assert any(f"/stytch_totp/{model}/" in url and url.endswith("/change/") for url in shown), model
    assert act_of(secrets["member"], "reset_mfa") in shown


@pytest.mark.parametrize("model", MODELS)
def test_aa01_lists_are_no_oracle_of_what_they_dont_show(desk, model):
    before = row_hashes()
    for column in ORACLES[model]:
        for value in ("a", WORD, "canary", "1"):
            url = f"{reverse(f'admin:stytch_totp_{model}_changelist')}?{column}={value}"
            desk.get(url)
            assert desk.pages[url] == 400, url
    assert (desk.hits, row_hashes()) == ([], before)


# The host's own admin of users is Django's, which asks nothing of relations that it doesn't show.
@pytest.mark.parametrize(
    "lookup", ["stytch_members__password__startswith", "stytch_limit__organizations__slug", "stytch_members__email"]
)
def test_aa01_nor_is_the_hosts_list_of_users(desk, lookup):
    assert desk.visitor.get(f"/admin/auth/user/?{lookup}=a").status_code == 400


def test_aa01_searching_for_a_secret_finds_nothing_and_doesnt_repeat_whose_it_is(desk, secrets):
    member = secrets["member"]
    desk.canaries, tried = (member.email.encode(), str(member.pk).encode()), 0
    for model in ("member", "session", "organization", "auditevent"):
        for one in secrets["canaries"]:
            answer = desk.visitor.client.get(reverse(f"admin:stytch_totp_{model}_changelist"), {"q": one.decode()})
            assert answer.status_code == 200
            assert answer.context["cl"].result_count == 0, (model, one)
            assert not any(name in answer.content for name in desk.canaries)
            tried += 1
    for url in (one for secret in ("a", WORD) for one in autocompletes(secret)):
        desk.get(url)
    assert desk.hits == []
    print(f"{tried} searches")


def test_aa01_what_is_autocompleted_is_what_rows_are_called_and_nothing_else(desk):
    names = {str(row) for kind in (Member, Organization, User) for row in kind.objects.all()}
    told = 0
    for url in autocompletes():
        answer = desk.visitor.get(url)
        if answer.status_code == 200:
            assert {one["text"] for one in answer.json()["results"]} <= names
            told += 1
        else:
            assert answer.status_code == 403, url
        desk.get(url)
    assert (desk.hits, told > 0) == ([], True)


PLACES = {
    "the member page": "stytch_totp.admin.members.glance",
    "a search": "stytch_totp.operations.lookup.parse_any_id",
    "an act": "stytch_totp.operations.support.do_as",
    "the list": "stytch_totp.admin.members.MemberAdmin.who",
    "the session page": "stytch_totp.admin.sessions.SessionAdmin.browser",
    "a filter": "stytch_totp.admin.filters.MFAFilter.keep",
}


def go_to(what, visitor, secrets):
    member, members_list = secrets["member"], reverse("admin:stytch_totp_member_changelist")
    if what == "an act":
        return do(visitor, act_of(member, "unlock"))
    return visitor.get(
        {
            "the member page": page_of(member),
            "a search": f"{members_list}?q={member.email}",
            "the list": members_list,
            "the session page": row_page("session", Session.objects.filter(member=member)[0].pk),
            "a filter": f"{members_list}?mfa=active",
        }[what]
    )


@pytest.mark.parametrize("what", PLACES)
def test_aa10_a_page_that_breaks_down_tells_nothing_to_the_visitor_nor_by_mail(desk, secrets, caplog, settings, what):
    settings.DEBUG, settings.ADMINS, before = False, ["admin@example.com"], row_hashes()
    desk.visitor.client.raise_request_exception = False
    logger, handler = logging.getLogger("django.request"), AdminEmailHandler(include_html=True)
    logger.addHandler(handler)
    caplog.set_level(logging.ERROR, logger.name)
    try:
        with patch(PLACES[what], _break_down):
            answer = go_to(what, desk.visitor, secrets)
    finally:
        logger.removeHandler(handler)
    assert (answer.status_code, row_hashes()) == (500, before)
    told = [form for one in mail.outbox for form in (one.body, *(str(part[0]) for part in one.alternatives))]
    assert len(told) == 3  # Django's own, and with HTML, where local variables stand
    assert all("broken down" in one for one in told)
    hits = [one for one in desk.canaries if one in answer.content + "".join(told).encode()]
    assert hits == []


def _break_down(*_, **__):
    raise RuntimeError("broken down")


def test_aa01_no_row_says_a_secret_of_itself(desk, secrets):
    kinds = (Member, Session, IntermediateSession, TOTPRegistration, RecoveryCode, SigningKey, Guard)
    said = [form(row) for kind in kinds for row in kind.objects.all() for form in (str, repr)]
    assert len(said) > 60
    assert [one for one in said if any(secret in one.encode() for secret in desk.canaries)] == []
