"""What every act takes (AA-03, AA-04): POST, CSRF, a confirmation page, a reason, a second factor just shown."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import OperationalError
from django.test import Client

from stytch_totp.models import AuditEvent, Guard, Member, Organization, SupportRequest
from stytch_totp.operations import members, sessions, support
from stytch_totp.operations.support import Act
from tests.admin.desk import (
    ACTS,
    ALL,
    REASON,
    act_of,
    act_of_organization,
    app_models,
    colleague,
    decision_of,
    do,
    grant,
    page_of,
    rows_of,
    staff_member,
    trail,
)
from tests.factories import ACTOR, OrganizationFactory, code_of
from tests.operations.situations import fresh, session_of
from tests.web.visitors import HTML, verify

pytestmark = pytest.mark.django_db

URLS = (*ACTS, "require_mfa", "approve", "decline")


@pytest.fixture
def url_of(enrolled, configure):
    """The address of each act, on a member who has something to lose."""
    member, _, _ = enrolled
    session_of(member, "password", "totp")
    Guard.objects.filter(member=member).update(failures=10, locks=1, locked_at=1, locked_until=1_800_009_000)
    waiting = SupportRequest.objects.create(
        member=member,
        act="reset_mfa",
        reason=REASON,
        asked_by=colleague(*ALL),
        asked_at=1_800_000_000,
        expires_at=1_800_086_400,
    )

    def find(act):
        if act in ACTS:
            return act_of(member, act)
        return act_of_organization(member.organization) if act == "require_mfa" else decision_of(waiting, act)

    return find


@pytest.fixture
def staff(url_of):
    return staff_member(*ALL)


def everything():
    return rows_of(*app_models())


def denied():
    return len(trail(tag="member:support:denied"))


@pytest.mark.parametrize("act", URLS)
class TestEveryAct:
    def test_aa03_its_page_says_what_will_happen_and_does_nothing(self, staff, url_of, act):
        before = everything()
        answer = staff.get(url_of(act))
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "<form method=" in page
        assert 'name="csrfmiddlewaretoken"' in page
        assert 'name="reason"' in page
        assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
        assert everything() == before

    def test_aa03_a_reason_in_the_address_is_none(self, staff, url_of, act):
        before = everything()
        assert staff.get(f"{url_of(act)}?reason=Ticket+4711+called&post=yes&_method=POST").status_code == 200
        assert everything() == before

    def test_aa03_confirmed_it_is_done_once_and_leads_on(self, staff, url_of, act):
        before = len(trail())
        answer = do(staff, url_of(act))
        assert answer.status_code == 302
        assert staff.get(answer["Location"]).status_code == 200
        new = AuditEvent.objects.order_by("pk")[before:]
        assert len(new) == (2 if act == "approve" else 1)
        assert {(one.actor_kind, one.actor_id) for one in new} == {("staff", str(staff.user.pk))}
        assert REASON in [one.reason for one in new]
        assert {one.ip_address for one in new} == {"127.0.0.1"}

    def test_aa03_without_the_token_against_forgery_nothing_is_done(self, staff, url_of, act):
        strict = Client(enforce_csrf_checks=True, headers={"Accept": HTML})
        strict.cookies = staff.client.cookies
        before = everything()
        for extra in ({}, {"csrfmiddlewaretoken": "x" * 64}):
            assert strict.post(url_of(act), {"reason": REASON, **extra}).status_code == 403
            assert everything() == before
        strict.get(url_of(act))
        token = strict.cookies["csrftoken"].value
        assert strict.post(url_of(act), {"reason": REASON, "csrfmiddlewaretoken": token}).status_code == 302
        assert everything() != before

    @pytest.mark.parametrize("verb", ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_aa03_by_no_other_verb(self, staff, url_of, act, verb):
        before = everything()
        body = {"data": f"reason={REASON}", "content_type": "application/x-www-form-urlencoded"}
        answer = staff.client.generic(verb, url_of(act), **({} if verb == "HEAD" else body))
        assert answer.status_code in (200, 405)
        assert everything() == before

    @pytest.mark.parametrize(
        "reason",
        [
            *("", "short", " " * 40, "\n\t\r " * 20, "\x00" * 20, "\x1b\x07\x08" * 20, "\u200b" * 20),
            *("\u202e\u2066" * 20, "a b\x00cdefghijkl", "x" * 501, "\x1b[31mred", "a" + " " * 40 + "b"),
        ],
    )
    def test_aa04_without_a_reason_it_is_asked_again(self, staff, url_of, act, reason):
        before = everything()
        answer = do(staff, url_of(act), reason)
        assert answer.status_code == 200
        assert b"errorlist" in answer.content
        assert everything() == before
        assert staff.client.post(url_of(act), {}).status_code == 200
        assert everything() == before

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("  Ticket 4711  ", "Ticket 4711"),
            ("Ticket 4711\r\nsecond: line\n\n third", "Ticket 4711 second: line third"),
            ("Ticket\u20284711\x85x\x1cy", "Ticket 4711 x y"),
            ("Ticket \x1b[31m4711\u202e\x7f", "Ticket [31m4711"),
            ("x" * 500, "x" * 500),
            ("Größe 😀 4711", "Größe 😀 4711"),
        ],
    )
    def test_aa09_the_reason_is_one_line_on_record(self, staff, url_of, act, given, kept):
        assert do(staff, url_of(act), given).status_code == 302
        assert kept in [reason for _, reason in trail()]

    def test_aa04_who_showed_a_factor_longer_ago_shows_one_again_and_comes_back(self, staff, url_of, act, clock):
        clock.advance(601)
        before = everything()
        for answer in (staff.get(url_of(act)), do(staff, url_of(act))):
            sent = urlsplit(answer["Location"])
            assert (answer.status_code, sent.path) == (302, "/mfa/verify/")
            assert parse_qs(sent.query)["next"] == [url_of(act)]
        assert everything() | {"AuditEvent": 0, "AuditChain": 0} == before | {"AuditEvent": 0, "AuditChain": 0}
        assert AuditEvent.objects.latest("pk").details["why"] == "step_up_required"
        assert denied() == 1
        clock.advance(30)
        shown = staff.client.post("/mfa/verify/", {"code": code_of(staff.secret), "next": url_of(act)})
        assert shown["Location"] == url_of(act)
        assert staff.get(url_of(act)).status_code == 200
        assert do(staff, url_of(act)).status_code == 302

    def test_aa04_ten_minutes_to_the_second(self, staff, url_of, act, clock):
        clock.advance(600)
        assert staff.get(url_of(act)).status_code == 200
        clock.advance(1)
        assert staff.get(url_of(act)).status_code == 302
        clock.advance(-1)
        assert do(staff, url_of(act))["Location"].startswith("/admin/")

    def test_aa04_whether_the_admin_asks_for_mfa_or_not_an_act_does(self, url_of, act, configure):
        configure(ADMIN_REQUIRES_MFA=False)
        made = staff_member(*ALL, stale=True)
        before = everything()
        assert made.get("/admin/stytch_totp/member/").status_code == 200
        assert made.get(url_of(act))["Location"].startswith("/mfa/verify/")
        assert do(made, url_of(act))["Location"].startswith("/mfa/verify/")
        assert everything() | {"AuditEvent": 0, "AuditChain": 0} == before | {"AuditEvent": 0, "AuditChain": 0}
        verify(made.client, made.secret)
        assert do(made, url_of(act)).status_code == 302

    def test_aa04_who_may_not_learns_nothing_of_what_would_happen(self, url_of, act):
        made = staff_member("view_member", "view_organization", "view_supportrequest")
        answer = made.get(url_of(act))
        assert (answer.status_code, b'name="reason"' in answer.content) == (403, False)
        assert b"4711" not in answer.content


def test_nor_does_it_make_itself_another_account():
    made = staff_member(superuser=True)
    assert made.get("/admin/auth/user/add/").status_code == 200
    support.do(Act.REVOKE_SESSIONS, made.member, reason=REASON, actor=ACTOR)
    answer = made.client.post("/admin/auth/user/add/", {"username": "another"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error_type"]) == (401, "user_unauthenticated")


class TestWhatGetsInTheWay:
    def test_a_member_deleted_meanwhile(self, staff, enrolled, url_of):
        member, _, _ = enrolled
        members.delete(fresh(member), actor=ACTOR)
        answer = do(staff, act_of(member, "reset_mfa"))
        assert (answer.status_code, b"This member was deleted." in answer.content) == (404, True)

    @pytest.mark.parametrize("tries", [1, 4])
    def test_a_database_that_refuses_is_asked_again_and_then_said_to(self, staff, enrolled, url_of, monkeypatch, tries):
        member, _, _ = enrolled
        left, before = [OperationalError("deadlock on row of ada")] * tries, everything()
        whole = dict(support._ACTS)

        def unsure(*given):
            if left:
                raise left.pop()
            return whole[Act.RESET_MFA](*given)

        monkeypatch.setitem(support._ACTS, Act.RESET_MFA, unsure)
        answer = do(staff, act_of(member, "reset_mfa"))
        if tries == 1:
            assert (answer.status_code, member.registrations.count()) == (302, 0)
        else:
            assert (answer.status_code, everything()) == (503, before)
            assert b"nothing was changed" in answer.content
            assert b"deadlock" not in answer.content

    @pytest.mark.parametrize(
        "key", ["nonsense", "a/b", "00000000-0000-4000-8000-000000000000", "%00", "_2F", "1' OR 1=1"]
    )
    @pytest.mark.parametrize("model", ["member", "organization", "supportrequest"])
    def test_addresses_of_nobody(self, staff, url_of, key, model):
        words = {"member": ACTS, "organization": ["require_mfa"], "supportrequest": ["approve", "decline"]}[model]
        for act in words:
            url = f"/admin/stytch_totp/{model}/{key}/{act}/"
            for answer in (staff.get(url), do(staff, url)):
                assert answer.status_code == 404, url
        assert denied() == 0

    def test_a_request_of_one_transaction_loses_no_word_of_a_refusal(self, url_of, enrolled, settings):
        member, _, _ = enrolled
        made = staff_member("view_member", "unlock_member")
        view = made.get(act_of(member, "unlock")).resolver_match.func
        assert "default" in view._non_atomic_requests

    def test_markup_in_a_name_is_text(self, staff, organization):
        from tests.factories import make_member

        evil = OrganizationFactory.create(name="<script>alert(1)</script>", slug="evil")
        member = make_member(organization=evil, email='"><img src=x>@example.com', name="<b>")
        for url in (page_of(member), act_of(member, "unlock"), act_of_organization(evil)):
            page = staff.get(url).content.decode()
            assert "<script>alert(1)" not in page
            assert "<img src=x>" not in page

    def test_whoever_loses_the_permission_loses_it_at_once(self, staff, enrolled, url_of):
        member, _, _ = enrolled
        assert staff.get(act_of(member, "unlock")).status_code == 200
        grant(staff, ("view_member",))
        assert do(staff, act_of(member, "unlock")).status_code == 403
        staff.user.is_active = False
        staff.user.save()
        assert do(staff, act_of(member, "unlock")).status_code == 302
        assert trail(tag="member:guard:unlocked") == []


@pytest.mark.parametrize("act", URLS)
def test_aa04_a_session_that_was_revoked_a_second_ago_does_nothing_more(staff, url_of, act):
    """The site takes a verified visit for granted for half a minute; what the admin is to change asks the database."""
    assert staff.get(url_of(act)).status_code == 200
    sessions.revoke_of_member(staff.member, actor=ACTOR)
    before = rows_of(Member, Guard, Organization, SupportRequest)
    assert do(staff, url_of(act)).status_code == 401
    assert rows_of(Member, Guard, Organization, SupportRequest) == before
    assert not staff.client.session.get("_auth_user_id")
