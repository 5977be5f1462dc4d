"""Recovery codes, many requests at once (RC-02), and one login that shows every factor at once (SE-02)."""

from collections import Counter
from itertools import cycle, islice

import pytest

from tests.races.burst import CLIENTS, FEW, ROUNDS, Call, Figures, reasons, statuses, succeeded
from tests.races.site import Site, is_clear, recover
from tests.races.surfaces import BACK_END, BOTH, BOTH_OF_USERS, MEMBERS, Person, Surfaces, at, rounds

SPENT = (401, "unable_to_authenticate_recovery_code")
REPLAYED = (401, "totp_code_already_authenticated")
LOCKED = (429, "user_lock_limit_reached")
LOGIN_OVER = (404, "intermediate_session_not_found")
SESSION_OVER = (404, "session_not_found")


@at()
def test_rc02_of_64_logins_with_one_recovery_code_exactly_one_succeeds(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    person = site.person(at)
    for done, code in zip(rounds(at), person["codes"], strict=False):
        callers = site.callers(at, person, CLIENTS)
        answers = site.burst([surface.recover(person, code, **shown) for surface, shown in callers])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= {SPENT, LOCKED}
        assert is_clear(site.desk.budget(member_id=person["member_id"], kind="recovery"))
        state = site.desk.state(member_id=person["member_id"])
        assert (state["codes_used"], state["sessions_with_second_factor"]) == (done, done)
        if MEMBERS in at:
            assert (state["sessions"], state["logins_turned_in"]) == (done, done)


def test_rc02_spellings_of_one_recovery_code_share_one_success(site: Site, figures: Figures) -> None:
    for _ in range(FEW):
        person = site.person()
        code = person["codes"][0]
        spellings = [code, code.upper(), code.replace("-", ""), code.replace("-", " ")]
        shown = zip(spellings * (CLIENTS // len(spellings)), site.logins(person, CLIENTS), strict=True)
        answers = site.burst([recover(person, spelling, **login) for spelling, login in shown])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= {SPENT, LOCKED}
        assert site.desk.state(member_id=person["member_id"])["codes_used"] == 1


def test_rc02_of_64_logins_over_ten_recovery_codes_each_code_succeeds_once(site: Site, figures: Figures) -> None:
    for _ in range(ROUNDS):
        person = site.person()
        wanted = (person["codes"] * CLIENTS)[:CLIENTS]
        answers, accepted = [], Counter[str]()
        # Who was refused because of the others' attempts asks again until all have had a true answer.
        while wanted:
            some = site.burst(_recoveries(site, person, wanted))
            assert reasons(some) <= {SPENT, LOCKED}
            answers += some
            accepted.update(code for code, answer in zip(wanted, some, strict=True) if answer.status == 200)
            again = [code for code, answer in zip(wanted, some, strict=True) if answer.status == 429]
            assert len(again) < len(wanted), "nobody gets any further"
            wanted = again
        figures.add(answers)
        assert accepted == dict.fromkeys(person["codes"], 1)
        assert is_clear(site.desk.budget(member_id=person["member_id"], kind="recovery"))
        state = site.desk.state(member_id=person["member_id"])
        assert (state["codes_used"], state["codes_unused"], state["sessions"]) == (10, 0, 10)


def _recoveries(site: Site, person: Person, codes: list[str]) -> list:
    return [recover(person, code, **login) for code, login in zip(codes, site.logins(person, len(codes)), strict=True)]


@pytest.mark.parametrize(
    ("at", "in_session"),
    [(BACK_END, False), (BOTH, False), (BOTH, True), (BOTH_OF_USERS, True)],
    ids=["back end, login", "back end and page, login", "back end and page, session", "users, session"],
)
def test_se02_one_login_or_session_with_ten_recovery_codes_and_a_totp_code_is_stepped_up_once(
    site: Site, figures: Figures, at: Surfaces, in_session: bool
) -> None:
    """Whatever wins gives the session a new token, and the login is over: the others have nothing left to show."""
    for _ in rounds(at):
        site.advance(60)
        person = site.person(at)
        shown, code = site.session(person) if in_session else site.login(person), site.code(person)
        calls: list[Call] = []
        for surface, recovery_code in islice(zip(cycle(at), cycle([*person["codes"], ""])), CLIENTS):
            attempt = surface.recover if recovery_code else surface.authenticate
            calls.append(attempt(person, recovery_code or code, **shown))
        answers = site.burst(calls)
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= {SPENT, REPLAYED, LOCKED, SESSION_OVER if in_session else LOGIN_OVER}
        state = site.desk.state(member_id=person["member_id"])
        assert (state["sessions"], state["logins_turned_in"]) == (1, not in_session)
        assert state["sessions_with_second_factor"] == 1
        step_spent = state["registrations"][0][1] >= 0
        assert state["codes_used"] + step_spent == 1
        if MEMBERS in at:
            assert step_spent == ("recovery_codes_remaining" not in succeeded(answers)[0].body)
