"""Faults at every step of a story: nobody is let in by one, and nothing is half done (TV-10, RC-03, DJ-05)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pyotp
import pytest
from django.contrib.auth.hashers import make_password

from stytch_totp import conf
from stytch_totp.core.factors import factor
from stytch_totp.core.totp import decode_secret
from stytch_totp.models import (
    AuditEvent,
    Guard,
    IntermediateSession,
    Member,
    RecoveryCode,
    Session,
    TOTPRegistration,
)
from stytch_totp.operations import grants, sessions, signing
from tests import databases
from tests.conftest import API
from tests.factories import ACTOR, code_of, enrol, make_member
from tests.races.burst import CLIENTS, FEW, Figures, reasons, statuses
from tests.races.faults import NEVER, Fault, Manner, failing
from tests.races.site import Site, authenticate, is_clear, opened, recover
from tests.races.stories import lose_totps
from tests.races.surfaces import BOTH

MANNERS: tuple[Manner, ...] = ("once", "on", "late")
PASSWORD = "a password of fault tests"


@dataclass
class Scene:
    """A member and the one request that is sent: what it carries is right."""

    member: Member
    path: str
    body: dict[str, Any]
    method: str = "POST"
    facts: dict[str, Any] = field(default_factory=dict)

    def send(self, api: API) -> Any:
        return api(self.method, self.path, self.body)


def names(member: Member) -> dict[str, str]:
    return {
        "organization_id": conf.public_id("organization", member.organization_id),
        "member_id": conf.public_id("member", member.pk),
    }


def login(member: Member) -> dict[str, str]:
    return {"intermediate_session_token": grants.begin(member, [factor("password", None, conf.now())], ACTOR)}


def session(member: Member) -> dict[str, str]:
    draft = grants.draft(member, None, [factor("password", None, conf.now())], actor=ACTOR)
    draft.write()
    return {"session_token": draft.granted.token}


def enrolled() -> tuple[Member, str, list[str]]:
    member = make_member()
    return (member, *enrol(member))


def by_totp(credential: Callable[[Member], dict[str, str]]) -> Callable[[], Scene]:
    def set_up() -> Scene:
        member, secret, _ = enrolled()
        body = names(member) | credential(member) | {"code": code_of(secret), "set_mfa_enrollment": "enroll"}
        return Scene(member, "/v1/b2b/totp/authenticate", body)

    return set_up


def by_recovery_code(credential: Callable[[Member], dict[str, str]]) -> Callable[[], Scene]:
    def set_up() -> Scene:
        member, _, codes = enrolled()
        body = names(member) | credential(member) | {"recovery_code": codes[0]}
        return Scene(member, "/v1/b2b/recovery_codes/recover", body)

    return set_up


def spent(member: Member) -> int:
    """Codes of either kind that the member has used."""
    steps = TOTPRegistration.objects.filter(member=member, last_step__gte=0).count()
    return steps + RecoveryCode.objects.filter(registration__member=member).exclude(used_at=None).count()


def earned(member: Member) -> int:
    """Sessions of the member that carry a second factor."""
    return sum(map(sessions.factors.has_second, member.sessions.values_list("factors", flat=True)))


def happened(member: Member) -> int:
    tags = ("member:totp:authenticated", "member:recovery_code:spent")
    return AuditEvent.objects.filter(member_id=member.pk, tag__in=tags).count()


def charges(member: Member) -> int:
    return sum(Guard.objects.filter(member=member).values_list("failures", flat=True))


def sweep(set_up: Callable[[], Any], act: Callable[[Any], Any], manner: Manner) -> Iterator[tuple[Any, Any, Fault]]:
    """(scene, result, fault) with the fault at every statement and commit of ``act`` in turn."""
    signing.key_set()

    def run(at: int) -> tuple[Any, Any, Fault]:
        scene = set_up()
        signing.forget()
        with failing(at, manner) as fault:
            return scene, act(scene), fault

    faultless = run(NEVER)[2].count
    assert faultless
    yield from map(run, range(1, faultless + 1))


VERIFICATIONS = {
    "totp by login": by_totp(login),
    "totp by session": by_totp(session),
    "recovery code by login": by_recovery_code(login),
    "recovery code by session": by_recovery_code(session),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("story", VERIFICATIONS)
def test_tv10_rc03_a_code_is_spent_if_and_only_if_a_session_was_made(
    api: API, figures: Figures, story: str, manner: Manner
) -> None:
    """A right code, and the database failing at each of its statements and commits."""
    for scene, answer, fault in sweep(VERIFICATIONS[story], lambda scene: scene.send(api), manner):
        member, let_in = scene.member, answer.status_code == 200
        figures.note(answer.status_code)
        assert earned(member) == spent(member) == happened(member) <= 1
        turned_in = IntermediateSession.objects.filter(member=member).exclude(used_at=None).count()
        assert turned_in == (earned(member) if story.endswith("login") else 0)
        if let_in:
            assert earned(member) == 1
            assert charges(member) == 0
        elif earned(member):
            # Done, but nobody could know it: the token was given to nobody, and the code is spent.
            assert manner == "late"
            assert answer.status_code in {401, 500, 503}
        else:
            assert answer.status_code == 503
            assert charges(member) == fault.charged


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("manner", MANNERS)
def test_tv10_a_password_makes_a_session_or_nothing(api: API, figures: Figures, manner: Manner) -> None:
    def set_up() -> Scene:
        member = make_member(password=make_password(PASSWORD))
        body = {"organization_id": names(member)["organization_id"], "email_address": member.email}
        return Scene(member, "/v1/b2b/passwords/authenticate", body | {"password": PASSWORD})

    for scene, answer, fault in sweep(set_up, lambda scene: scene.send(api), manner):
        figures.note(answer.status_code)
        made = Session.objects.filter(member=scene.member).count()
        tags = AuditEvent.objects.filter(member_id=scene.member.pk, tag="member:password:authenticated")
        assert made == tags.count()
        if answer.status_code == 200:
            assert made >= 1
        else:
            assert answer.status_code == 503
            # The second commit is the login's: what fails after it, fails to tell of it.
            assert bool(made) == (fault.commits > 1)
            assert charges(scene.member) == (fault.commits == 1) == (fault.charged and not made)


def unenrolled() -> Scene:
    member = make_member()
    return Scene(member, "/v1/b2b/totp", names(member))


def pending() -> Scene:
    scene = unenrolled()
    made = API()("POST", "/v1/b2b/totp", scene.body)
    assert made.status_code == 200
    return scene


def imported() -> Scene:
    scene, secret = unenrolled(), pyotp.random_base32()
    return Scene(scene.member, "/v1/b2b/totp/migrate", scene.body | {"secret": secret, "recovery_codes": []})


def rotating() -> Scene:
    member = enrolled()[0]
    return Scene(member, "/v1/b2b/recovery_codes/rotate", names(member))


def deleting() -> Scene:
    member = enrolled()[0]
    named = names(member)
    path = f"/v1/b2b/organizations/{named['organization_id']}/members/{named['member_id']}/totp"
    return Scene(member, path, {}, "DELETE")


def holdings(member: Member) -> dict[str, Any]:
    """All that enrolment changes, down to the secret and the codes."""
    found = Member.objects.get(pk=member.pk)
    rows = RecoveryCode.objects.filter(registration__member=member, used_at=None)
    return {
        "registrations": list(found.registrations.values_list("pk", "state", "sealed_secret")),
        "codes": sorted(row.reveal() for row in rows.select_related("registration__member")),
        "default": found.default_mfa_method,
        "events": AuditEvent.objects.filter(member_id=member.pk).count(),
    }


CHANGES = {
    "create": (unenrolled, 1, 10, ""),
    "create anew": (pending, 1, 10, ""),
    "migrate": (imported, 1, 10, "totp"),
    "rotate": (rotating, 1, 10, "totp"),
    "delete": (deleting, 0, 0, ""),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("change", CHANGES)
def test_tv10_an_enrolment_changes_wholly_or_not_at_all(
    api: API, figures: Figures, change: str, manner: Manner
) -> None:
    set_up, registrations, codes, default = CHANGES[change]
    before: dict[str, Any] = {}

    def noted() -> Scene:
        scene = set_up()
        before.update(holdings(scene.member))
        return scene

    for scene, answer, fault in sweep(noted, lambda scene: scene.send(api), manner):
        figures.note(answer.status_code)
        after = holdings(scene.member)
        if answer.status_code == 200:
            body = answer.json()
            assert after["codes"] == sorted(body.get("recovery_codes", []))
            if "secret" in body:
                kept = TOTPRegistration.objects.select_related("member").get(member=scene.member)
                assert kept.reveal() == decode_secret(body["secret"])
        elif change == "delete" and fault.commits:
            # Tried again after a commit that nobody heard of, it finds that there is nothing any more.
            assert answer.status_code in {404, 503}
        else:
            assert answer.status_code == 503
        # A fault after the commit leaves a whole change that the caller doesn't know of.
        assert (after != before) == bool(fault.commits)
        if after != before:
            assert (len(after["registrations"]), len(after["codes"]), after["default"]) == (
                registrations,
                codes,
                default,
            )
            assert after["events"] == before["events"] + 1


#: Every function on the way of a right TOTP code, in about the order of the way, up to the commit.
TOTP_SITES = [
    "operations.members.resolve",
    "operations.sessions.present",
    "operations.sessions._find_intermediate",
    "operations.audit.Actor.__init__",
    "core.totp.is_code",
    "operations.verification.check_second_step",
    "operations.sessions.check_owner",
    "operations.organizations.primary_met",
    "operations.organizations.totp_allowed",
    "core.policy.method_allowed",
    "operations.verification._registration",
    "operations.attempts.charge",
    "operations.attempts._guard",
    "models.guard.GuardQuerySet.charge",
    "models.session.IntermediateSessionQuerySet.charge",
    "models.registration.TOTPRegistration.reveal",
    "models.registration.TOTPRegistration.context",
    "core.sealing.Keyring.open",
    "core.sealing._bind",
    "core.sealing._split",
    "core.totp.matching_step",
    "core.totp.step_at",
    "core.totp.hotp",
    "operations.verification.factor",
    "operations.grants.draft",
    "core.tokens.generate",
    "core.tokens.digest",
    "core.factors.added",
    "operations.grants.merged",
    "core.jwt.merge_claims",
    "models.session.Session.seal",
    "core.sealing.Keyring.seal",
    "operations.signing.mint",
    "core.factors.spell",
    "operations.signing.sign",
    "core.jwt.mint",
    "operations.verification._member_changes",
    "operations.attempts.settle",
    "operations.verification._accept",
    "models.registration.RegistrationQuerySet.spend",
    "operations.attempts.clear",
    "models.guard.GuardQuerySet.clear",
    "operations.grants.Draft.write",
    "models.session.IntermediateSessionQuerySet.consume",
    "models.session.Session.save",
    "operations.verification.record",
    "models.audit.AuditEvent.save",
]
RECOVERY_SITES = [
    "core.codes.canonical",
    "operations.recovery.check_second_step",
    "models.registration.RecoveryCodeQuerySet.find",
    "models.registration.RecoveryCode.digest_context",
    "core.sealing.Keyring.digests",
    "core.sealing._digest",
    "operations.recovery.factor",
    "operations.grants.draft",
    "operations.attempts.charge",
    "operations.attempts.settle",
    "operations.recovery._accept",
    "models.registration.RecoveryCodeQuerySet.spend",
    "operations.attempts.clear",
    "operations.grants.Draft.write",
    "operations.recovery.record",
]
SITES = [("totp by login", site) for site in TOTP_SITES] + [("recovery code by login", site) for site in RECOVERY_SITES]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("story", "place"), SITES, ids=[f"{story}: {place}" for story, place in SITES])
def test_tv10_a_function_that_fails_lets_nobody_in_and_keeps_the_charge(api: API, story: str, place: str) -> None:
    signing.key_set()
    scene = VERIFICATIONS[story]()
    with mock.patch(f"stytch_totp.{place}", side_effect=RuntimeError("a fault")) as called, failing(NEVER) as seen:
        answer = scene.send(api)
    assert called.called
    assert answer.status_code == 500
    assert (earned(scene.member), spent(scene.member), happened(scene.member)) == (0, 0, 0)
    assert charges(scene.member) == seen.charged
    assert scene.send(api).status_code == 200
    assert charges(scene.member) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("story", VERIFICATIONS)
def test_tv10_an_answer_that_fails_after_the_commit_gives_the_token_to_nobody(api: API, story: str) -> None:
    scene = VERIFICATIONS[story]()
    with mock.patch("stytch_totp.api.b2b.totp.member_session_fields", side_effect=RuntimeError("a fault")):
        answer = scene.send(api)
    assert answer.status_code == 500
    assert "token" not in answer.content.decode()
    assert (earned(scene.member), spent(scene.member), happened(scene.member)) == (1, 1, 1)
    assert scene.send(api).status_code in {401, 404}


#: What the connections of a site can be set to besides what the other tests run on.
OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "sqlite": {"deferred": {"transaction_mode": "DEFERRED"}},
    "postgresql": {"repeatable read": {"isolation_level": 3}, "serializable": {"isolation_level": 4}},
    "mariadb": {
        "repeatable read": {"isolation_level": "repeatable read"},
        "serializable": {"isolation_level": "serializable"},
    },
}
LEVELS = [(kind, level) for kind in databases.PROMISED for level in OPTIONS[kind]]


@pytest.fixture(scope="module", params=LEVELS, ids=[f"{kind} {level}" for kind, level in LEVELS])
def other_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    kind, level = request.param
    with opened(tmp_path_factory.mktemp("level"), kind, asked={"options": OPTIONS[kind][level]}) as made:
        yield made


UNAVAILABLE = (503, "internal_server_error")
LOCKED = (429, "user_lock_limit_reached")


def test_dj05_one_code_has_one_success_under_other_database_options(other_site: Site, figures: Figures) -> None:
    person = other_site.person()
    for done in range(1, FEW + 1):
        other_site.advance(60)
        code, logins = other_site.code(person), other_site.logins(person, CLIENTS)
        answers = other_site.burst([authenticate(person, code, **login) for login in logins])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= {(401, "totp_code_already_authenticated"), LOCKED, UNAVAILABLE}
        state = other_site.desk.state(member_id=person["member_id"])
        assert (state["sessions"], state["logins_turned_in"]) == (done, done)


def test_dj05_a_recovery_code_is_accepted_once_at_most_under_other_database_options(
    other_site: Site, figures: Figures
) -> None:
    for _ in range(FEW):
        other_site.advance(60)
        person = other_site.person()
        codes = (person["codes"] * CLIENTS)[:CLIENTS]
        logins = other_site.logins(person, CLIENTS)
        answers = other_site.burst([recover(person, code, **login) for code, login in zip(codes, logins, strict=True)])
        figures.add(answers)
        accepted = [code for code, answer in zip(codes, answers, strict=True) if answer.status == 200]
        assert len(set(accepted)) == len(accepted) > 0
        assert reasons(answers) <= {(401, "unable_to_authenticate_recovery_code"), LOCKED, UNAVAILABLE}
        state = other_site.desk.state(member_id=person["member_id"])
        assert (state["codes_used"], state["sessions"]) == (len(accepted), len(accepted))


def test_dj05_no_more_than_the_budget_is_compared_under_other_database_options(
    other_site: Site, figures: Figures
) -> None:
    for _ in range(FEW):
        person = other_site.person()
        logins = other_site.logins(person, CLIENTS)
        guesses = zip(other_site.wrong_codes(person, CLIENTS), logins, strict=True)
        answers = other_site.burst([authenticate(person, code, **login) for code, login in guesses])
        compared = other_site.desk.events(member_id=person["member_id"]).get("member:totp:refused", 0)
        figures.add(answers, evaluated=compared)
        failures = other_site.desk.budget(member_id=person["member_id"])["failures"]
        assert statuses(answers)[401] <= compared <= failures <= 10
        assert reasons(answers) <= {(401, "unable_to_authenticate_totp"), LOCKED, UNAVAILABLE}
        assert not is_clear(other_site.desk.budget(member_id=person["member_id"]))


def test_dj05_a_deleted_totp_is_in_no_running_session_under_other_database_options(
    other_site: Site, figures: Figures
) -> None:
    """A snapshot taken before a step-up committed must not be what the deletion goes by."""
    for _ in range(FEW):
        other_site.advance(60)
        done = lose_totps(other_site, BOTH)
        figures.add(done.step_ups + done.deletions)
        assert done.left_over == 0
        assert {status for status, _ in reasons(done.step_ups + done.deletions)} <= {400, 401, 404, 503}
