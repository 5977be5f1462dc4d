"""The support desk in a browser: a lost phone, a lock, an organization that is to require MFA, a second approver."""

import pytest

from stytch_totp.operations.staff import STEP_UP_SECONDS
from tests.live import serve
from tests.site.clerk import ADMIN, REASON, Clerk, TypingClerk, at_desk
from tests.site.visitor import Person

pytestmark = [pytest.mark.live, pytest.mark.browser]

LEAST = ("view_member", "reset_mfa_member")
WAYS = {"with scripts": {}, "without scripts": {"scripts": False}, "by keyboard": {"as_": TypingClerk}}
WRONG_CODES = 10


@pytest.fixture(scope="module")
def careful(tmp_path_factory):
    """A server where a second member of staff has to approve."""
    with serve(tmp_path_factory.mktemp("careful"), settings={"SECOND_APPROVER": True}) as server:
        yield server


@pytest.fixture
def hire(visit, live):
    """Somebody of the support team, who has come in: ``hire("view_member", of=member.email)``, ``hire(chief=True)``."""

    def make(*permissions, at=live, of="", chief=False, **options):
        call = f"colleague(*{permissions!r}, of={of!r}, chief={chief})"
        clerk = visit(Person(**at_desk(at, call)), at=at, **{"as_": Clerk, **options})
        clerk.comes_in()
        return clerk

    return make


@pytest.mark.parametrize("way", WAYS)
def test_who_lost_the_phone_is_helped_by_somebody_who_may_do_that_and_nothing_else(visit, hire, way):
    # A member whose phone is gone, and with it the codes; another browser of theirs is still logged in.
    member = visit("enrolled")
    member.logs_in()
    member.verifies()
    elsewhere = visit(member.person)
    elsewhere.logs_in()
    elsewhere.at("/mfa/verify/")

    clerk = hire(*LEAST, of=member.person.email, **WAYS[way])
    assert clerk.sections() == ["Members"]
    clerk.opens("member", member.person.email[:9])
    assert clerk.main("h1").inner_text() == member.person.email
    facts = clerk.facts()
    assert facts["Enrolled?"].startswith("Yes, since ")
    assert facts["Recovery codes left"] == "10"
    assert facts["Locked?"] == "No"
    assert clerk.acts() == ["Reset MFA"]
    assert clerk.main("section").count() == 0

    clerk.passes(STEP_UP_SECONDS + 1)
    clerk.chooses("Reset MFA")
    clerk.at("/mfa/verify/")
    clerk.verifies()
    assert "10 unused recovery codes die." in clerk.consequences()
    assert "The member is told by e-mail." in clerk.consequences()
    clerk.confirms()
    assert clerk.hears() == [f"Reset MFA: done for {member.person.email}, and on record."]
    assert clerk.facts()["Enrolled?"] == "No"

    member.passes(31)  # a verified visit is asked about every 30 seconds
    member.goes("/mfa/")
    member.at("/accounts/login/")
    elsewhere.enters(elsewhere.app())
    elsewhere.at("/accounts/login/")
    member.gives_password()
    old = member.person.secret
    member.sets_up()
    assert member.person.secret != old
    member.goes("/")
    member.at("/")

    chief = hire(chief=True)
    chief.finds("auditevent", member.person.email)
    [reset] = [line for line in chief.lines() if "MFA was reset" in line]
    assert clerk.person.email in reset
    assert REASON in reset


def test_with_the_least_permissions_nothing_else_is_offered_and_nothing_else_can_be_reached(hire, somebody, live):
    member, stranger = at_desk(live, "people.make('enrolled', 1)")[0]["email"], somebody(live, "enrolled").email
    clerk = hire(*LEAST, of=member)
    assert clerk.finds("member", "ada.") == [member]
    assert clerk.finds("member", stranger) == []
    number = at_desk(live, f"number_of({member!r})")
    for act in ("unlock", "revoke_sessions", "require_enrolment"):
        clerk.kept_out(f"{ADMIN}/member/{number}/{act}/", 403)
        assert clerk.main("[role=alert]").inner_text() == "You don't have the permission to do this here."
    clerk.kept_out(f"{ADMIN}/member/{at_desk(live, f'number_of({stranger!r})')}/reset_mfa/")
    for model in ("organization", "session", "auditevent", "supportrequest", "stafflimit"):
        assert clerk.page.request.get(f"{live.url}{ADMIN}/{model}/").status == 403, model
    clerk.kept_out(f"{ADMIN}/organization/{at_desk(live, f'organization_of({member!r})')}/require_mfa/")


def test_a_locked_member_is_unlocked(visit, hire):
    member = visit("enrolled")
    member.logs_in()
    for _ in range(WRONG_CODES):
        member.enters(member.wrong_code())
    member.enters(member.app())
    member.at("/mfa/verify/")
    clerk = hire("view_member", "unlock_member", of=member.person.email)
    clerk.opens("member", member.person.email)
    assert clerk.facts()["Locked?"].startswith("Until ")
    assert clerk.acts() == ["Unlock"]
    clerk.chooses("Unlock")
    assert clerk.consequences()[0].startswith("The lock that lasts until ")
    clerk.confirms()
    assert clerk.facts()["Locked?"] == "No"
    assert clerk.facts()["Enrolled?"].startswith("Yes, since ")
    member.goes("/mfa/verify/")
    member.verifies()
    member.at("/mfa/")


def test_an_organization_is_made_to_require_mfa_by_who_saw_what_would_come_of_it(visit, hire, live):
    people = [Person(**row) for row in at_desk(live, "people.make('unasked', 2)")]
    member = visit(people[0])
    member.logs_in()
    member.at("/")
    wanted = ("view_member", "view_organization", "require_mfa_organization")
    clerk = hire(*wanted, of=member.person.email)
    clerk.goes(f"{ADMIN}/organization/")
    clerk.presses(clerk.rows())
    clerk.chooses("What if it required MFA?")
    assert "2\tHas none: asked to enrol" in clerk.main("tbody tr").all_inner_texts()
    clerk.press(clerk.main("summary"))
    assert set(clerk.consequences()) == {one.email for one in people}
    clerk.presses(clerk.main("a.closelink"))
    member.goes("/")
    member.at("/")  # to look changes nothing
    clerk.chooses("What if it required MFA?")
    clerk.confirms()
    assert clerk.hears() == [f"{member.person.organizations[0]} now requires MFA of all its members."]
    assert clerk.acts() == ["Members"]
    member.passes(31)
    member.goes("/")
    member.at("/mfa/enrol/")


def test_where_a_second_member_of_staff_has_to_approve_nothing_happens_before(visit, hire, careful):
    member = visit("enrolled", at=careful)
    member.logs_in()
    member.verifies()
    wanted = (*LEAST, "view_supportrequest")
    first, second = (hire(*wanted, at=careful, of=member.person.email) for _ in range(2))
    first.opens("member", member.person.email)
    first.chooses("Reset MFA")
    assert "A second member of staff has to approve of it before anything happens." in first.consequences()
    first.confirms()
    assert first.hears() == ["Reset MFA: a second member of staff has to approve of it."]
    member.passes(31)
    member.goes("/mfa/")
    member.at("/mfa/")
    waiting = first.main(".stytch-totp-waiting a")
    assert waiting.inner_text() == f"Waiting for a second member of staff; asked for by {first.person.email}"
    first.presses(waiting)
    assert first.acts() == ["Decline"]  # nobody approves of what they asked for

    second.goes(f"{ADMIN}/supportrequest/")
    second.presses(second.rows())
    second.chooses("Approve")
    asked, *what = second.consequences()
    assert "10 unused recovery codes die." in what
    assert first.person.email in asked
    assert REASON in asked
    second.confirms("Ticket 4711: listened to the call")
    assert second.hears() == ["Approved and done."]
    assert second.acts() == []
    member.passes(31)
    member.goes("/mfa/")
    member.at("/accounts/login/")
