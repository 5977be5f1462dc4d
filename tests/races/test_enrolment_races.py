"""Enrolments (EN-05) and rotations (RC-07), many requests at once."""

import pyotp
import pytest

from tests.races.burst import CLIENTS, FEW, ROUNDS, Figures, reasons, statuses, succeeded
from tests.races.site import Site, recover, rotate, show_codes
from tests.races.surfaces import BACK_END, BOTH, BOTH_OF_USERS, Person, Surface, Surfaces, at, rounds


@at(BACK_END, BOTH, BOTH_OF_USERS)
def test_en05_of_64_creations_at_once_one_is_left_pending_and_only_its_secret_works(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    for _ in rounds(at):
        person = site.person(at, enrolled=False)
        callers = site.callers(at, person, CLIENTS)
        answers = site.burst([surface.create(person, **shown) for surface, shown in callers])
        figures.add(answers)
        assert statuses(answers) == {200: CLIENTS}
        state = site.desk.state(member_id=person["member_id"])
        assert state["registrations"] == [["pending", -1]]
        assert state["codes_unused"] == 10
        made = {answer.body["secret"]: answer.body["recovery_codes"] for answer in answers}
        assert len(made) == CLIENTS
        while not _apart(site, list(made)):
            site.advance(30)
        working = [secret for secret in made if _authenticates(site, at[0], person, secret)]
        assert len(working) == 1
        assert site.desk.stored_codes(member_id=person["member_id"]) == sorted(made[working[0]])
        assert site.desk.state(member_id=person["member_id"])["registrations"][0][0] == "active"


def _apart(site: Site, secrets: list[str]) -> bool:
    """Whether no secret's code is right for another one at this moment."""
    at = int(site.live.now)
    codes = [pyotp.TOTP(secret).at(at + 30 * steps) for secret in secrets for steps in (-1, 0, 1)]
    return len(set(codes)) == len(codes)


def _authenticates(site: Site, surface: Surface, person: Person, secret: str) -> bool:
    site.desk.unlock(member_id=person["member_id"])
    code = site.code(person | {"secret": secret})
    shown = {} if surface.users else site.login(person)
    return site.one(surface.authenticate(person, code, **shown)).status == 200


@pytest.mark.parametrize("creations", [CLIENTS // 2, 2])
@at(BACK_END, BOTH, BOTH_OF_USERS)
def test_en05_an_activation_among_creations_leaves_one_registration(
    site: Site, figures: Figures, at: Surfaces, creations: int
) -> None:
    for _ in range(FEW):
        site.advance(60)
        person = site.person(at, enrolled=False)
        person["secret"] = site.one(at[0].create(person)).body["secret"]
        callers = site.callers(at, person, CLIENTS)
        calls = [surface.authenticate(person, site.code(person), **shown) for surface, shown in callers[creations:]]
        answers = site.burst(calls + [surface.create(person, **shown) for surface, shown in callers[:creations]])
        figures.add(answers[: len(calls)])
        verified, created = answers[: len(calls)], answers[len(calls) :]
        # A creation that comes first takes the registration away, and the code with it.
        assert len(succeeded(verified)) <= 1
        assert reasons(verified) <= {
            (401, "totp_code_already_authenticated"),
            (401, "unable_to_authenticate_totp"),
            (429, "user_lock_limit_reached"),
        }
        assert reasons(created) <= {(400, "active_totp_exists")}
        state = site.desk.state(member_id=person["member_id"])
        expected = "active" if succeeded(verified) else "pending"
        assert [registration for registration, _ in state["registrations"]] == [expected]
        assert state["codes_unused"] == 10


@pytest.mark.parametrize("rotations", [CLIENTS // 2, 2])
def test_rc07_rotations_among_recoveries_leave_one_whole_set(site: Site, figures: Figures, rotations: int) -> None:
    for _ in range(ROUNDS if rotations > 2 else FEW):
        person = site.person()
        logins = site.logins(person, CLIENTS - rotations)
        calls = [recover(person, person["codes"][0], **login) for login in logins]
        answers = site.burst(calls + [rotate(person)] * rotations)
        figures.add(answers[: len(calls)])
        recovered, rotated = answers[: len(calls)], answers[len(calls) :]
        assert len(succeeded(recovered)) <= 1
        assert reasons(recovered) <= {
            (401, "unable_to_authenticate_recovery_code"),
            (429, "user_lock_limit_reached"),
        }
        assert statuses(rotated) == {200: rotations}
        stored = site.desk.stored_codes(member_id=person["member_id"])
        state = site.desk.state(member_id=person["member_id"])
        assert (len(stored), state["codes_unused"], state["codes_used"]) == (10, 10, 0)
        assert state["sessions"] == len(succeeded(recovered))
        assert stored in [sorted(answer.body["recovery_codes"]) for answer in rotated]
        assert sorted(site.one(show_codes(person)).body["recovery_codes"]) == stored
