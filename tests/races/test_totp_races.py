"""One TOTP code, many requests at once (TV-03), at every surface and at several together."""

from tests.races.burst import CLIENTS, Figures, reasons, statuses, succeeded
from tests.races.site import Site, is_clear
from tests.races.surfaces import BACK_END, BOTH, BOTH_OF_USERS, MEMBERS, Surfaces, at, rounds

LOST = {(401, "totp_code_already_authenticated"), (429, "user_lock_limit_reached")}


@at()
def test_tv03_of_64_logins_with_one_code_exactly_one_succeeds(site: Site, figures: Figures, at: Surfaces) -> None:
    person = site.person(at)
    for done in rounds(at):
        site.advance(60)
        code = site.code(person)
        callers = site.callers(at, person, CLIENTS)
        answers = site.burst([surface.authenticate(person, code, **shown) for surface, shown in callers])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= LOST
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert state["sessions_with_second_factor"] == done
        if MEMBERS in at:
            assert (state["sessions"], state["logins_turned_in"]) == (done, done)


@at()
def test_tv03_logins_and_step_ups_with_one_code_share_one_success(site: Site, figures: Figures, at: Surfaces) -> None:
    person = site.person(at)
    for done in rounds(at):
        site.advance(60)
        code, half = site.code(person), CLIENTS // 2
        callers = site.callers(at, person, half) + site.callers(at, person, half, in_session=True)
        answers = site.burst([surface.authenticate(person, code, **shown) for surface, shown in callers])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= LOST
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert state["sessions_with_second_factor"] == done


@at(BACK_END, BOTH, BOTH_OF_USERS)
def test_tv03_logins_step_ups_and_a_deletion_at_once_accept_the_code_at_most_once(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    deletions, half = 4, CLIENTS // 2 - 2
    for _ in rounds(at):
        site.advance(60)
        person = site.person(at)
        code = site.code(person)
        callers = site.callers(at, person, half) + site.callers(at, person, half, in_session=True)
        deleters = zip((at * deletions)[:deletions], site.sessions(person, deletions, second=True), strict=True)
        calls = [surface.authenticate(person, code, **shown) for surface, shown in callers]
        answers = site.burst(calls + [surface.delete_totp(person, **shown) for surface, shown in deleters])
        verified, deleted = answers[: len(calls)], answers[len(calls) :]
        figures.add(verified)
        gone = {(404, "totp_not_found"), (404, "totps_not_found_for_user")}
        assert len(succeeded(verified)) <= 1
        assert reasons(verified) <= LOST | gone
        assert len(succeeded(deleted)) == 1
        # A page whose second factor was that TOTP has none any more.
        assert reasons(deleted) <= gone | {(401, "insufficient_factors")}
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        state = site.desk.state(member_id=person["member_id"])
        assert (state["registrations"], state["sessions_with_second_factor"]) == ([], 0)
