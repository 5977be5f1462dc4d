"""The failure budget, which no number of requests, logins or names gets more guesses from."""

from collections.abc import Iterator
from itertools import cycle, islice, product
from typing import Any

import pytest

from tests import databases
from tests.races.burst import CLIENTS, FEW, ROUNDS, Answer, Call, Figures, reasons, statuses
from tests.races.site import Site, authenticate, is_clear, opened, recover
from tests.races.surfaces import BACK_END, BOTH, BOTH_OF_USERS, NAMES, Person, Surfaces, at, rounds

BUDGET = 10
LOGIN_FAILURES = 5
HOUR = 3600
WRONG = (401, "unable_to_authenticate_totp")
LOCKED = (429, "user_lock_limit_reached")


@pytest.fixture(scope="module", params=databases.PROMISED)
def bare_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site without a cache, on which ``select_for_update`` fails."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CACHE_URL", "dummycache://")
        directory = tmp_path_factory.mktemp("bare")
        # Small, because it stands beside the other site and PostgreSQL has a hundred connections for both.
        asked = {"no_select_for_update": True}
        with opened(directory, request.param, asked=asked, workers=2, threads=8) as made:
            yield made


def compared(site: Site, person: Person) -> int:
    """How many wrong codes were compared: each leaves one event, whatever it was answered."""
    return int(site.desk.events(member_id=person["member_id"]).get("member:totp:refused", 0))


def guess_at_once(site: Site, person: Person, count: int, at: Surfaces = BACK_END) -> list[Answer]:
    guesses = zip(site.wrong_codes(person, count), site.callers(at, person, count), strict=True)
    return site.burst([surface.authenticate(person, code, **shown) for code, (surface, shown) in guesses])


def lock(site: Site, person: Person) -> None:
    for code in site.wrong_codes(person, BUDGET):
        assert site.one(authenticate(person, code, **site.login(person))).error == WRONG[1]


@pytest.mark.parametrize(
    ("at", "clients"),
    [*((surfaces, CLIENTS) for surfaces in NAMES), (BACK_END, 200)],
    ids=[*NAMES.values(), "200 clients"],
)
def test_rl01_of_any_number_of_wrong_codes_at_once_ten_are_compared(
    site: Site, figures: Figures, at: Surfaces, clients: int
) -> None:
    for _ in rounds(at) if clients == CLIENTS else range(1):
        person = site.person(at)
        answers = guess_at_once(site, person, clients, at)
        figures.add(answers, evaluated=compared(site, person))
        assert compared(site, person) == BUDGET
        assert statuses(answers) == {401: BUDGET, 429: clients - BUDGET}
        assert reasons(answers) == {WRONG, LOCKED}
        assert site.desk.budget(member_id=person["member_id"])["failures"] == BUDGET


@at(BACK_END, BOTH, BOTH_OF_USERS)
def test_rl01_of_64_wrong_recovery_codes_at_once_ten_are_compared(site: Site, figures: Figures, at: Surfaces) -> None:
    for _ in rounds(at):
        person = site.person(at)
        codes = [f"zzzz-zzzz-{number:04d}" for number in range(CLIENTS)]
        guesses = zip(codes, site.callers(at, person, CLIENTS), strict=True)
        answers = site.burst([surface.recover(person, code, **shown) for code, (surface, shown) in guesses])
        events = site.desk.events(member_id=person["member_id"])
        figures.add(answers, evaluated=events["member:recovery_code:refused"])
        assert events["member:recovery_code:refused"] == BUDGET
        assert statuses(answers) == {401: BUDGET, 429: CLIENTS - BUDGET}
        # The other budget is another one: a locked recovery leaves the authenticator app usable.
        assert is_clear(site.desk.budget(member_id=person["member_id"], kind="totp"))


@at(BOTH, BOTH_OF_USERS)
def test_rl01_te06_wrong_codes_on_all_that_leads_to_a_member_share_its_budget(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    """Back end and page, session and login, a Member's also by discovery, and the other product's routes, which know
    neither the person nor the session, under the name that they would have for the same row.
    """
    other = BOTH_OF_USERS if at == BOTH else BOTH
    for _ in range(FEW):
        person = site.person(at)
        stranger = person | {"member_id": f"{'user' if at == BOTH else 'member'}-test-{person['member_id'][-36:]}"}
        callers = site.callers(at, person, 20) + site.callers(at, person, 20, in_session=True)
        if at == BOTH:
            callers += [(surface, site.discovery([person])) for surface in at * 4]
        known, codes = len(callers), site.wrong_codes(person, CLIENTS)
        callers += site.callers(other, person, CLIENTS - known, in_session=True)
        calls = [
            surface.authenticate(person if place < known else stranger, code, **shown)
            for place, (code, (surface, shown)) in enumerate(zip(codes, callers, strict=True))
        ]
        answers = site.burst(calls)
        figures.add(answers, evaluated=compared(site, person))
        assert compared(site, person) == BUDGET
        assert statuses(answers[:known]) == {401: BUDGET, 429: known - BUDGET}
        assert statuses(answers[known:]) == {404: CLIENTS - known}
        assert site.desk.budget(member_id=person["member_id"])["failures"] == BUDGET


def test_rl14_dj04_the_budget_needs_no_cache_and_no_row_locks(bare_site: Site, figures: Figures) -> None:
    for _ in range(FEW):
        person = bare_site.person()
        answers = guess_at_once(bare_site, person, CLIENTS)
        figures.add(answers, evaluated=compared(bare_site, person))
        assert statuses(answers) == {401: BUDGET, 429: CLIENTS - BUDGET}
        assert compared(bare_site, person) == BUDGET


def test_dj04_one_code_has_one_success_without_select_for_update(bare_site: Site, figures: Figures) -> None:
    person = bare_site.person()
    for _ in range(FEW):
        bare_site.advance(60)
        code = bare_site.code(person)
        logins = bare_site.logins(person, CLIENTS)
        answers = bare_site.burst([authenticate(person, code, **login) for login in logins])
        figures.add(answers)
        assert statuses(answers)[200] == 1
        assert reasons(answers) <= {(401, "totp_code_already_authenticated"), LOCKED}
        assert is_clear(bare_site.desk.budget(member_id=person["member_id"]))


def faces(site: Site, person: Person) -> Iterator[dict[str, Any]]:
    """The member under every name and with every credential, a new one each time, for ever."""
    made = [
        lambda: site.login(person),
        lambda: site.session(person),
        lambda: {"session_jwt": site.desk.log_in(member_id=person["member_id"])["session_jwt"]},
    ]
    organizations = ("organization_id", "slug", "organization_external_id")
    members = ("member_id", "external_id")
    for organization, member, credential in cycle(product(organizations, members, made)):
        yield {"organization_id": person[organization], "member_id": person[member], **credential()}


def test_rl02_another_login_another_session_another_name_is_the_same_budget(site: Site) -> None:
    person = site.person()
    for locks, seconds in enumerate((HOUR, 2 * HOUR, 4 * HOUR), 1):
        codes = site.wrong_codes(person, 2 * BUDGET)
        guesses = zip(codes, islice(faces(site, person), len(codes)), strict=True)
        answers = [site.one(Call("/v1/b2b/totp/authenticate", {"code": code} | face)) for code, face in guesses]
        assert [answer.error for answer in answers[:BUDGET]] == [WRONG[1]] * BUDGET
        assert [answer.error for answer in answers[BUDGET:]] == [LOCKED[1]] * BUDGET
        assert {answer.headers["Retry-After"] for answer in answers[BUDGET:]} == {str(seconds)}
        assert compared(site, person) == locks * BUDGET
        site.advance(seconds - 1)
        last = site.one(authenticate(person, codes[0], **site.login(person)))
        assert (last.status, last.headers["Retry-After"]) == (429, "1")
        site.advance(1)


def test_rl01_when_a_lock_ends_ten_more_of_64_at_once_are_compared(site: Site, figures: Figures) -> None:
    for _ in range(ROUNDS):
        person = site.person()
        lock(site, person)
        site.advance(HOUR)
        answers = guess_at_once(site, person, CLIENTS)
        figures.add(answers, evaluated=compared(site, person) - BUDGET)
        assert statuses(answers) == {401: BUDGET, 429: CLIENTS - BUDGET}
        assert compared(site, person) == 2 * BUDGET
        last = site.one(authenticate(person, site.code(person), **site.login(person)))
        assert (last.status, last.headers["Retry-After"]) == (429, str(2 * HOUR))


def test_rl07_five_wrong_codes_end_the_login_and_the_next_login_goes_on_counting(site: Site) -> None:
    person = site.person()
    site.advance(60)
    login = site.login(person)
    codes = site.wrong_codes(person, LOGIN_FAILURES)
    wrong = [site.one(authenticate(person, code, **login)).error for code in codes]
    assert wrong == [WRONG[1]] * LOGIN_FAILURES
    sixth = site.one(authenticate(person, site.code(person), **login))
    assert (sixth.status, sixth.error) == (404, "intermediate_session_not_found")
    assert site.desk.budget(member_id=person["member_id"])["failures"] == LOGIN_FAILURES
    site.one(authenticate(person, codes[0], **site.login(person)))
    assert site.desk.budget(member_id=person["member_id"])["failures"] == LOGIN_FAILURES + 1
    assert site.one(authenticate(person, site.code(person), **site.login(person))).status == 200
    assert is_clear(site.desk.budget(member_id=person["member_id"]))


def test_rl07_of_64_wrong_codes_at_once_on_one_login_five_are_compared(site: Site, figures: Figures) -> None:
    for _ in range(FEW):
        person = site.person()
        login = site.login(person)
        answers = site.burst([authenticate(person, code, **login) for code in site.wrong_codes(person, CLIENTS)])
        figures.add(answers, evaluated=compared(site, person))
        assert compared(site, person) == LOGIN_FAILURES
        assert statuses(answers) == {401: LOGIN_FAILURES, 404: CLIENTS - LOGIN_FAILURES}
        assert site.desk.budget(member_id=person["member_id"])["failures"] == LOGIN_FAILURES


def test_rl12_who_has_not_passed_the_first_factor_charges_nothing(site: Site, figures: Figures) -> None:
    person, other = site.person(), site.person()
    expired, colleague_login = site.login(person), site.login(other)
    site.advance(601)
    code, live = site.wrong_codes(person, 1)[0], site.login(person)
    before = site.desk.guards(member_id=person["member_id"])
    strangers = [
        authenticate(person, code),
        authenticate(person, code, intermediate_session_token="A" * 44),
        authenticate(person, code, intermediate_session_token="no token"),
        authenticate(person, code, session_token="A" * 44),
        authenticate(person, code, session_jwt="e30.e30.e30"),
        authenticate(person, code, **expired),
        authenticate(person, code, **colleague_login),
        authenticate(person, code, **site.login(other)),
        authenticate(person, code, **site.session(other)),
        recover(person, "zzzz-zzzz-zzzz"),
        recover(person, "zzzz-zzzz-zzzz", **site.login(other)),
        Call("/v1/b2b/totp/authenticate", authenticate(person, code, **live).body, password="x" * 40),
        Call("/v1/b2b/totp/authenticate", authenticate(person, code, **live).body, user="nobody"),
    ]
    answers = site.burst(list(islice(cycle(strangers), 200)))
    figures.add(answers, evaluated=compared(site, person))
    assert set(statuses(answers)) <= {400, 401, 404}
    assert (compared(site, person), compared(site, other)) == (0, 0)
    assert site.desk.guards(member_id=person["member_id"]) == before


def test_rl13_a_locked_member_is_answered_the_same_whether_the_code_is_right(site: Site) -> None:
    person = site.person()
    lock(site, person)
    wrong = site.one(authenticate(person, site.wrong_codes(person, 1)[0], **site.login(person)))
    right = site.one(authenticate(person, site.code(person), **site.login(person)))
    assert wrong.body.pop("request_id") != right.body.pop("request_id")
    assert wrong.body == right.body
    assert {**wrong.headers, "Date": ""} == {**right.headers, "Date": ""}
    assert (wrong.status, wrong.error, wrong.headers["Retry-After"]) == (*LOCKED, str(HOUR))


def test_tv15_a_right_code_while_locked_is_neither_compared_nor_spent(site: Site, figures: Figures) -> None:
    person = site.person()
    site.advance(60)
    lock(site, person)
    code = site.code(person)
    answers = site.burst([authenticate(person, code, **login) for login in site.logins(person, CLIENTS)])
    figures.add(answers, evaluated=compared(site, person) - BUDGET)
    assert reasons(answers) == {LOCKED}
    state = site.desk.state(member_id=person["member_id"])
    assert (state["registrations"], state["sessions"]) == ([["active", -1]], 0)
    events = site.desk.events(member_id=person["member_id"])
    assert events["member:guard:locked_out"] == CLIENTS
    site.desk.unlock(member_id=person["member_id"])
    assert site.one(authenticate(person, code, **site.login(person))).status == 200
