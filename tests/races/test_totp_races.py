"""One TOTP code, many requests at once (TV-03)."""

from tests.races.burst import CLIENTS, ROUNDS, Figures, reasons, statuses, succeeded
from tests.races.site import Site, authenticate, delete_totp, is_clear

LOST = {(401, "totp_code_already_authenticated"), (429, "user_lock_limit_reached")}


def test_tv03_of_64_logins_with_one_code_exactly_one_succeeds(site: Site, figures: Figures) -> None:
    person = site.person()
    for done in range(1, ROUNDS + 1):
        site.advance(60)
        code = site.code(person)
        answers = site.burst([authenticate(person, code, **login) for login in site.logins(person, CLIENTS)])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= LOST
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert (state["sessions"], state["logins_turned_in"]) == (done, done)


def test_tv03_logins_and_step_ups_with_one_code_share_one_success(site: Site, figures: Figures) -> None:
    person = site.person()
    for done in range(1, ROUNDS + 1):
        site.advance(60)
        code, half = site.code(person), CLIENTS // 2
        shown = site.logins(person, half) + [site.session(person) for _ in range(half)]
        answers = site.burst([authenticate(person, code, **one) for one in shown])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= LOST
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert state["sessions_with_second_factor"] == done


def test_tv03_logins_step_ups_and_a_deletion_at_once_accept_the_code_at_most_once(site: Site, figures: Figures) -> None:
    deletions, half = 4, CLIENTS // 2 - 2
    for _ in range(ROUNDS):
        site.advance(60)
        person = site.person()
        code = site.code(person)
        shown = site.logins(person, half) + [site.session(person) for _ in range(half)]
        calls = [authenticate(person, code, **one) for one in shown] + [delete_totp(person)] * deletions
        answers = site.burst(calls)
        verified, deleted = answers[: len(shown)], answers[len(shown) :]
        figures.add(verified)
        assert len(succeeded(verified)) <= 1
        assert reasons(verified) <= LOST | {(404, "totp_not_found")}
        assert len(succeeded(deleted)) == 1
        assert reasons(deleted) <= {(404, "totp_not_found")}
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert state["sessions_with_second_factor"] == len(succeeded(verified))
        assert state["registrations"] == []
