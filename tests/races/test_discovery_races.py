"""Logins that begin without an organization, many requests at once (TE-05, RL-01)."""

from collections import Counter
from itertools import cycle, islice

from tests.races.burst import CLIENTS, FEW, Call, Figures, reasons, statuses, succeeded
from tests.races.site import Site
from tests.races.surfaces import BOTH, BOTH_OF_USERS, USERS, Person, Surface, Surfaces, at

BUDGET = 10
RIGHT = (20, 21)  # of the calls one by discovery, one to the first organization
PASSWORD = "a password of discovery races"
OVER = (404, "intermediate_session_not_found")
WRONG = (401, "unauthorized_credentials")
LOCKED = (429, "user_lock_limit_reached")
EXCHANGE, CREATE = "discovery/intermediate_sessions/exchange", "discovery/organizations/create"


def results(site: Site, people: list[Person]) -> int:
    """How many sessions and logins under way a login by discovery has become."""
    states = [site.desk.state(member_id=person["member_id"]) for person in people]
    return sum(state["sessions"] + state["logins_live"] for state in states)


@at(BOTH, BOTH[1:])
def test_te05_one_login_by_discovery_becomes_one_session_or_one_login(
    site: Site, figures: Figures, at: Surfaces
) -> None:
    """Exchanged for three organizations, of which one wants a second factor, used for a new one, stepped up."""
    for _ in range(FEW):
        site.advance(60)
        people = site.desk.memberships(count=3, mfa=1)
        login = site.discovery(people)
        calls: list[Call] = []
        for place, surface in enumerate(islice(cycle(at), CLIENTS)):
            # Five kinds and two surfaces: each kind at each surface.
            kind = place % 5
            if kind < len(people):
                body = {"organization_id": people[kind]["organization_id"]}
                calls.append(surface.call(EXCHANGE, body, **login))
            elif kind == len(people):
                calls.append(surface.call(CREATE, {"organization_name": "Discovered"}, **login))
            else:
                calls.append(surface.authenticate(people[2], site.code(people[2]), **login))
        answers = site.burst(calls)
        figures.add(answers)
        assert statuses(answers)[200] == 1
        # A code that was right and came too late for its login, beside another that was.
        assert reasons(answers) <= {OVER, (401, "totp_code_already_authenticated"), LOCKED}
        founded = site.desk.organizations_of(email=people[0]["email_address"]) - len(people)
        assert founded + results(site, people) == 1
        [won] = succeeded(answers)
        assert founded == (won.body.get("organization", {}).get("organization_name") == "Discovered")
        assert bool(won.body["session_token"]) != bool(won.body.get("intermediate_session_token"))


def discover(surface: Surface, email: str, password: str) -> Call:
    return surface.call("passwords/discovery/authenticate", {"email_address": email, "password": password})


def refused(site: Site, people: list[Person]) -> list[int]:
    """How many wrong passwords were compared, member by member."""
    events = [Counter(site.desk.events(member_id=person["member_id"])) for person in people]
    return [counted["member:password:refused"] for counted in events]


def test_rl01_wrong_passwords_by_discovery_and_by_login_share_each_member_s_budget(
    site: Site, figures: Figures
) -> None:
    """Three memberships of one address at back end and page, and a User of the same address, who is somebody else."""
    for _ in range(FEW):
        people = site.desk.memberships(count=3, password=PASSWORD)
        email = people[0]["email_address"]
        user = site.desk.people(users=True, password=PASSWORD, email=email)[0]
        calls: list[Call] = []
        for place in range(CLIENTS):
            surface, wrong = BOTH[place // 4 % 2], f"wrong password {place}"
            if place % 4 == 3:
                calls.append(BOTH_OF_USERS[place // 4 % 2].log_in(user, wrong))
            elif place % 4 == 2:
                calls.append(surface.log_in(people[place // 8 % 3], wrong))
            else:
                calls.append(discover(surface, email, wrong))
        answers = site.burst(calls)
        compared = refused(site, [*people, user])
        figures.add(answers, evaluated=sum(compared))
        assert compared == [BUDGET] * 4
        assert reasons(answers) == {WRONG, LOCKED}
        for person in [*people, user]:
            assert site.desk.budget(member_id=person["member_id"], kind="password")["failures"] == BUDGET
        # And the right one, for nobody.
        assert site.one(discover(BOTH[0], email, PASSWORD)).status == LOCKED[0]


def test_rl01_right_passwords_among_wrong_ones_earn_no_more_guesses_than_a_budget_each(
    site: Site, figures: Figures
) -> None:
    """Two memberships, each guessed at by login and by discovery; of the right ones, one is of each kind."""
    for _ in range(FEW):
        people = site.desk.memberships(count=2, password=PASSWORD)
        calls: list[Call] = []
        for place, surface in enumerate(islice(cycle(BOTH), CLIENTS)):
            password = PASSWORD if place in RIGHT else f"wrong password {place}"
            if place % 3 == len(people):
                calls.append(discover(surface, people[0]["email_address"], password))
            else:
                calls.append(surface.log_in(people[place % 3], password))
        answers = site.burst(calls)
        compared = refused(site, people)
        figures.add(answers, evaluated=sum(compared))
        assert reasons(answers) <= {WRONG, LOCKED}
        by_discovery, by_login = (answers[place].status == 200 for place in RIGHT)
        assert compared[0] <= BUDGET * (1 + by_discovery + by_login)
        assert compared[1] <= BUDGET * (1 + by_discovery)


def test_the_first_64_users_of_a_site_make_one_directory(site: Site, figures: Figures) -> None:
    for number in range(FEW):
        site.desk.forget_users()
        answers = site.burst(
            [USERS.call("users", {"email": f"first-{number}-{n}@example.com"}) for n in range(CLIENTS)]
        )
        figures.add(answers)
        assert statuses(answers) == {200: CLIENTS}
        assert site.desk.directories() == 1
