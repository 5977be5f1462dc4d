"""The site's own pages in a race: with each other, and with the API."""

from tests.races.burst import CLIENTS, FEW, Figures, Submission, reasons, statuses, succeeded
from tests.races.site import Site, is_clear
from tests.races.surfaces import MEMBERS

LOST = {(401, "totp_code_already_authenticated"), (429, "user_lock_limit_reached")}


def submit(page: str, code: str, session_key: str) -> Submission:
    return Submission(f"/mfa/{page}/", {"code": code, "next": "/settings/"}, session_key=session_key)


def test_tv03_of_64_browsers_with_one_code_exactly_one_is_let_in(site: Site, figures: Figures) -> None:
    person = site.person()
    for done in range(1, FEW + 1):
        site.advance(60)
        code = site.code(person)
        answers = site.burst([submit("verify", code, key) for key in site.visits(person, CLIENTS)])
        figures.add(answers)
        (accepted,) = succeeded(answers)
        assert accepted.headers["Location"] == "/settings/"
        assert statuses(answers).keys() <= {302, 200, 429}
        assert is_clear(site.desk.budget(member_id=person["member_id"]))
        assert site.desk.state(member_id=person["member_id"])["sessions_with_second_factor"] == done


def test_tv03_browsers_and_back_ends_share_one_success(site: Site, figures: Figures) -> None:
    person = site.person()
    for done in range(1, FEW + 1):
        site.advance(60)
        code, half = site.code(person), CLIENTS // 2
        calls = [submit("verify", code, key) for key in site.visits(person, half)]
        calls += [MEMBERS.authenticate(person, code, **login) for login in site.logins(person, half)]
        answers = site.burst(calls)
        figures.add(answers)
        assert len(succeeded(answers)) == 1
        assert reasons(answers[half:]) <= LOST
        assert site.desk.state(member_id=person["member_id"])["sessions_with_second_factor"] == done


def test_rc02_of_64_browsers_with_one_recovery_code_exactly_one_is_let_in(site: Site, figures: Figures) -> None:
    for _ in range(FEW):
        person = site.person()
        code = person["codes"][0]
        answers = site.burst([submit("recover", code, key) for key in site.visits(person, CLIENTS)])
        figures.add(answers)
        assert statuses(answers)[302] == 1
        assert statuses(answers).keys() <= {302, 200, 429}
        state = site.desk.state(member_id=person["member_id"])
        assert (state["codes_used"], state["sessions_with_second_factor"]) == (1, 1)


def test_rl01_of_64_wrong_codes_from_as_many_browsers_ten_are_compared(site: Site, figures: Figures) -> None:
    for _ in range(FEW):
        person = site.person()
        keys = site.visits(person, CLIENTS)
        codes = site.wrong_codes(person, CLIENTS)
        answers = site.burst([submit("verify", code, key) for code, key in zip(codes, keys, strict=True)])
        compared = site.desk.events(member_id=person["member_id"])["member:totp:refused"]
        figures.add(answers, evaluated=compared)
        assert compared == 10
        assert statuses(answers) == {200: 10, 429: CLIENTS - 10}


def test_double_click_leaves_the_visitor_verified(site: Site, figures: Figures) -> None:
    """One browser, one code, sent twice at once: whichever answer is shown, one session has the second factor."""
    for _ in range(FEW):
        person = site.person()
        (key,) = site.visits(person, 1)
        assert site.one(Submission("/mfa/verify/", method="GET", session_key=key)).status == 200
        answers = site.burst([submit("verify", site.code(person), key)] * 2)
        figures.add(answers)
        # The late one is told that the code was used. Where the first has changed the session key meanwhile, it is led
        # to log in, or Django says that its session was interrupted.
        assert statuses(answers) in ({302: 1, 200: 1}, {302: 2}, {302: 1, 400: 1})
        assert site.desk.state(member_id=person["member_id"])["sessions_with_second_factor"] == 1
