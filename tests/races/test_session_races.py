"""Revocations against step-ups (SE-18), and the first signature of a new site."""

from itertools import cycle, islice

import jwt
import pytest

from tests.live import PROJECT_ID
from tests.races.burst import CLIENTS, FEW, ROUNDS, Call, Figures, reasons, statuses, succeeded
from tests.races.site import Site, authenticate, delete_member, extend, log_in, recover, revoke
from tests.races.stories import lose_totps
from tests.races.surfaces import BACK_END, BOTH, BOTH_OF_USERS, NAMES, Surfaces, at, rounds

PASSWORD = "a password of race tests"
UNAVAILABLE = (503, "internal_server_error")
LOST_TOTP = {
    (401, "totp_code_already_authenticated"),
    (401, "unable_to_authenticate_recovery_code"),
    (404, "totp_not_found"),
    (404, "totps_not_found_for_user"),
    (400, "no_active_recovery_code_backed_factor"),
}


@pytest.mark.parametrize(
    ("at", "by", "revocations"),
    [
        (BACK_END, "member_session_id", 32),
        (BACK_END, "session_token", 32),
        (BACK_END, "member_id", 32),
        (BACK_END, "member_session_id", 1),
        (BOTH, "session_token", 32),
        (BOTH[1:], "session_token", 1),
        (BOTH_OF_USERS, "session_token", 32),
    ],
    ids=lambda value: NAMES.get(value, value) if isinstance(value, tuple) else value,
)
def test_se18_a_session_revoked_among_step_ups_and_extensions_stays_revoked(
    site: Site, figures: Figures, at: Surfaces, by: str, revocations: int
) -> None:
    for _ in range(FEW):
        site.advance(60)
        person = site.person(at)
        made = site.desk.log_in(member_id=person["member_id"])
        shown = {"session_token": made["session_token"]}
        named = {"member_session_id": made["id"], "member_id": person["member_id"], **shown}
        turns = list(islice(cycle(at), CLIENTS))
        half = (CLIENTS - revocations) // 2
        step_ups = [surface.authenticate(person, site.code(person), **shown) for surface in turns[:half]]
        extensions = [surface.extend(shown, session_duration_minutes=1000) for surface in turns[:half]]
        late = step_ups + extensions
        answers = site.burst([*late, *[surface.revoke(**{by: named[by]}) for surface in turns[:revocations]]])
        figures.add(answers)
        ended = succeeded(answers[len(late) :])
        allowed = {(404, "session_not_found"), (401, "totp_code_already_authenticated")}
        assert reasons(answers) <= allowed | {(429, "user_lock_limit_reached"), (503, "internal_server_error")}
        # A token may be renewed before its revocation arrives; an id and a member can't.
        assert ended or by == "session_token"
        if ended:
            assert site.desk.state(member_id=person["member_id"])["sessions_live"] == 0
            for answer in succeeded(answers[: len(late)]):
                assert site.one(at[0].extend({"session_token": answer.body["session_token"]})).status == 404


def test_se18_one_revocation_among_step_ups_is_enough(site: Site, figures: Figures) -> None:
    """No later revocation comes to the help of the one: a step-up that was under way must not undo it."""
    for _ in range(ROUNDS):
        site.advance(60)
        people = site.desk.people(count=8)
        made = [site.desk.log_in(member_id=person["member_id"]) for person in people]
        calls = [
            recover(person, code, session_token=session["session_token"])
            for person, session in zip(people, made, strict=True)
            for code in person["codes"][:7]
        ]
        answers = site.burst(calls + [revoke(member_session_id=session["id"]) for session in made])
        figures.add(answers[: len(calls)])
        assert statuses(answers[len(calls) :]) == {200: len(people)}
        assert reasons(answers) <= {(404, "session_not_found"), (503, "internal_server_error")}
        live = [site.desk.state(member_id=person["member_id"])["sessions_live"] for person in people]
        assert live == [0] * len(people)


def test_se08_one_revocation_of_a_member_ends_the_logins_under_way(site: Site, figures: Figures) -> None:
    """Each login finished before it, and its session is revoked, or comes too late to finish."""
    for _ in range(ROUNDS):
        site.advance(60)
        people = site.desk.people(count=6)
        calls = [
            recover(person, code, **login)
            for person in people
            for code, login in zip(person["codes"], site.logins(person, 10), strict=True)
        ]
        answers = site.burst(calls + [revoke(member_id=person["member_id"]) for person in people])
        figures.add(answers[: len(calls)])
        assert statuses(answers[len(calls) :]) == {200: len(people)}
        assert reasons(answers) <= {(404, "intermediate_session_not_found"), (429, "user_lock_limit_reached")}
        live = [site.desk.state(member_id=person["member_id"])["sessions_live"] for person in people]
        assert live == [0] * len(people)


@at(BOTH, BOTH[1:])
def test_se18_a_session_is_exchanged_for_one_elsewhere_or_revoked_never_both(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    for _ in range(FEW):
        pairs = [site.desk.memberships(count=2, one_user=True) for _ in range(8)]
        calls: list[Call] = []
        for here, there in pairs:
            session = site.session(here)
            turns = list(islice(cycle(at), 6))
            calls += [surface.exchange(there, session) for surface in turns] + [at[-1].revoke(**session)] * 2
        answers = site.burst(calls)
        figures.add(answers)
        assert reasons(answers) <= {(404, "session_not_found"), (503, "internal_server_error")}
        each = len(calls) // len(pairs)
        for place, (here, there) in enumerate(pairs):
            mine = answers[place * each : (place + 1) * each]
            exchanged = len(succeeded(mine[:-2]))
            assert (len(succeeded(mine)), statuses(mine)[503]) in ((1, 0), (1, 1))
            assert site.desk.state(member_id=here["member_id"])["sessions_live"] == 0
            assert site.desk.state(member_id=there["member_id"])["sessions_live"] == exchanged


@at(BOTH)
def test_se08_a_revocation_of_a_member_ends_a_session_that_is_exchanged_for_itself(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    """In its own organization nothing is new: what is left must have ended with the rest, or have been refused."""
    for _ in range(FEW):
        people = [site.desk.memberships(count=1)[0] for _ in range(10)]
        calls: list[Call] = []
        for person in people:
            for session in site.sessions(person, 5):
                calls.append(at[len(calls) % 2].exchange(person, session))
        answers = site.burst(calls + [revoke(member_id=person["member_id"]) for person in people])
        figures.add(answers[: len(calls)])
        assert statuses(answers[len(calls) :]) == {200: len(people)}
        assert reasons(answers) <= {(404, "session_not_found"), (503, "internal_server_error")}
        states = [site.desk.state(member_id=person["member_id"]) for person in people]
        assert [(state["sessions_live"], state["logins_live"]) for state in states] == [(0, 0)] * len(people)


@at(BACK_END, BOTH, BOTH_OF_USERS)
def test_a_totp_deleted_among_step_ups_is_in_no_running_session(site: Site, figures: Figures, at: Surfaces) -> None:
    """Neither it nor a recovery code of it, whether it was shown before, meanwhile, or carried over by an exchange."""
    for _ in rounds(at):
        site.advance(60)
        done = lose_totps(site, at)
        figures.add(done.step_ups + done.deletions)
        assert done.left_over == 0
        assert reasons(done.step_ups) <= LOST_TOTP | {UNAVAILABLE}
        assert statuses(done.deletions)[200] == len(done.deletions)


def test_se08_a_member_deleted_among_logins_has_no_session_left(site: Site, figures: Figures) -> None:
    for _ in range(ROUNDS):
        site.advance(60)
        people = site.desk.people(count=6, password=PASSWORD)
        assert {site.one(log_in(person, PASSWORD)).status for person in people} == {200}
        calls = [log_in(person, PASSWORD) for person in people for _ in range(9)]
        answers = site.burst(calls + [delete_member(person) for person in people])
        figures.add(answers[: len(calls)])
        assert statuses(answers[len(calls) :]) == {200: len(people)}
        assert reasons(answers) <= {(401, "unauthorized_credentials"), (429, "user_lock_limit_reached")}
        live = [site.desk.state(member_id=person["member_id"])["sessions_live"] for person in people]
        assert live == [0] * len(people)
        tokens = [answer.body["session_token"] for answer in succeeded(answers[: len(calls)])]
        still = [site.one(extend({"session_token": token})).status for token in tokens]
        assert still == [404] * len(tokens)


def test_the_first_64_logins_of_a_site_make_one_signing_key(site: Site, figures: Figures) -> None:
    people = site.desk.people(count=CLIENTS)
    for _ in range(ROUNDS):
        site.advance(60)
        calls = [authenticate(person, site.code(person), **site.login(person)) for person in people]
        site.desk.forget_signing_keys()
        answers = site.burst(calls)
        figures.add(answers)
        assert statuses(answers) == {200: CLIENTS}
        assert site.desk.signing_keys() == ["current"]
        keys = jwt.PyJWKSet(site.one(Call(f"/v1/b2b/sessions/jwks/{PROJECT_ID}", method="GET")).body["keys"])
        for answer in answers:
            token = answer.body["session_jwt"]
            key = keys[jwt.get_unverified_header(token)["kid"]]
            options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
            jwt.decode(token, key, algorithms=["RS256"], audience=PROJECT_ID, options=options)
            assert site.one(extend({"session_jwt": token})).status == 200
