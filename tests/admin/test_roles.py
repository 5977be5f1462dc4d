"""The role matrix (AA-02, TE-10): every set of permissions, within every limit, at every act and page."""

from collections.abc import Iterator
from itertools import combinations

import pytest
from django.db import connection
from django.urls import reverse

from stytch_totp.models import (
    AuditEvent,
    Guard,
    IntermediateSession,
    Member,
    Organization,
    RecoveryCode,
    Session,
    StaffLimit,
    SupportRequest,
    TOTPRegistration,
)
from stytch_totp.operations import members
from tests.admin.desk import (
    ACTS,
    act_of,
    act_of_organization,
    do,
    grant,
    limit,
    list_page,
    page_of,
    row_page,
    rows_of,
    staff_member,
)
from tests.factories import OrganizationFactory, enrol, make_member
from tests.operations.situations import begin, session_of

pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

TABLES = (Guard, TOTPRegistration, RecoveryCode, Session, IntermediateSession, Member, Organization, SupportRequest)
OF_MEMBERS = ("view_member", *(f"{act}_member" for act in ACTS), "view_auditevent")
OF_THE_REST = ("view_session", "view_organization", "require_mfa_organization")
#: Which organizations staff are limited to; None: to none in particular.
LIMITS = {"no limit": None, "limited": ("home",), "limited to nothing": ()}
DENIED = "member:support:denied"


def subsets(words) -> Iterator[tuple[str, ...]]:
    for size in range(len(words) + 1):
        yield from combinations(words, size)


@pytest.fixture
def places():
    """Two organizations, each with a member who has something to lose by every act."""
    made = {}
    for slug in ("home", "away"):
        organization = OrganizationFactory.create(slug=slug)
        member = make_member(organization=organization, email=f"ada@{slug}.example")
        enrol(member)
        session_of(member, "password", "totp")
        begin(member)
        Guard.objects.filter(member=member).update(failures=10, locks=1, locked_at=1, locked_until=1_800_009_000)
        made[slug] = members.reload(member)
    return made


class Desk:
    """One member of staff whose permissions change from set to set, and what each try was answered and changed."""

    def __init__(self, places, limited_to):
        self.visitor, self.cells, self.allowed_cells = staff_member(), 0, 0
        if limited_to is not None:
            limit(self.visitor.user, *(places[slug].organization for slug in limited_to))
        self.before = rows_of(*TABLES)

    def look(self, url, *, allowed, shown=None):
        """GET: who may is shown the page, others aren't, and neither changes anything."""
        answer = self.visitor.get(url)
        assert (answer.status_code == 200) == allowed, (url, answer.status_code)
        # Of a row that isn't there for them, Django leads to the admin's index, as of one that isn't there at all.
        assert answer.status_code in (200, 403, 404) or answer["Location"] == "/admin/"
        if shown is not None and allowed:
            listed = {
                key for row in answer.context["cl"].result_list for key in (row.pk, getattr(row, "member_id", None))
            }
            assert (shown[0] in listed) == shown[1], url
        assert rows_of(*TABLES) == self.before
        self._count(allowed)

    def act(self, url, tag, *, allowed, hidden):
        """POST: who may does it, others change nothing and leave at most word of it behind. It is undone afterwards."""
        point, mark = connection.savepoint(), AuditEvent.objects.order_by("-pk")[0].pk
        answer = do(self.visitor, url)
        tags = list(AuditEvent.objects.filter(pk__gt=mark).order_by("pk").values_list("tag", flat=True))
        if allowed:
            assert (answer.status_code, tags) == (302, [tag]), url
            assert rows_of(*TABLES) != self.before
        else:
            assert answer.status_code == (404 if hidden else 403), (url, answer.status_code)
            assert tags == [DENIED]
            assert rows_of(*TABLES) == self.before
        connection.savepoint_rollback(point)
        self._count(allowed)

    def _count(self, allowed):
        self.cells += 1
        self.allowed_cells += allowed


TAGS = dict(
    zip(
        ACTS,
        ("member:guard:unlocked", "member:mfa:reset", "member:session:revoked", "member:mfa:required"),
        strict=True,
    )
)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("slug", ["home", "away"])
def test_aa02_members_and_events_by_every_set_of_permissions(places, limits, slug):
    member, desk = places[slug], Desk(places, LIMITS[limits])
    within = LIMITS[limits] is None or slug in LIMITS[limits]
    event = AuditEvent.objects.filter(member_id=member.pk).latest("pk")
    for permissions in subsets(OF_MEMBERS):
        grant(desk.visitor, permissions)
        sees, sees_events = "view_member" in permissions, "view_auditevent" in permissions
        for act in ACTS:
            allowed = within and sees and f"{act}_member" in permissions
            desk.look(act_of(member, act), allowed=allowed)
            desk.act(act_of(member, act), TAGS[act], allowed=allowed, hidden=not (within and sees))
        desk.look(list_page("member"), allowed=sees, shown=(member.pk, within))
        desk.look(page_of(member), allowed=within and sees)
        desk.look(list_page("auditevent"), allowed=sees_events, shown=(member.pk, within))
        desk.look(row_page("auditevent", event.pk), allowed=within and sees_events)
    print(f"{limits}, {slug}: {desk.cells} cells, {desk.allowed_cells} allowed")
    assert desk.cells == 64 * 12


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("slug", ["home", "away"])
def test_aa02_sessions_and_organizations_by_every_set_of_permissions(places, limits, slug):
    member, desk = places[slug], Desk(places, LIMITS[limits])
    within = LIMITS[limits] is None or slug in LIMITS[limits]
    organization, session = member.organization, Session.objects.get(member=member)
    for permissions in subsets(OF_THE_REST):
        grant(desk.visitor, permissions)
        sees = "view_organization" in permissions
        allowed = within and sees and "require_mfa_organization" in permissions
        desk.look(act_of_organization(organization), allowed=allowed)
        url = act_of_organization(organization)
        desk.act(url, "organization:mfa:required", allowed=allowed, hidden=not (within and sees))
        sees_sessions = "view_session" in permissions
        desk.look(list_page("session"), allowed=sees_sessions, shown=(session.pk, within))
        desk.look(row_page("session", session.pk), allowed=within and sees_sessions)
        desk.look(list_page("organization"), allowed=sees, shown=(organization.pk, within))
        desk.look(row_page("organization", organization.pk), allowed=within and sees)
    print(f"{limits}, {slug}: {desk.cells} cells, {desk.allowed_cells} allowed")
    assert desk.cells == 8 * 6


def test_aa02_acts_that_may_be_done_are_the_only_ones_offered(places):
    made, member = staff_member(), places["home"]
    for permissions in subsets(OF_MEMBERS[1:-1]):
        grant(made, ("view_member", *permissions))
        page = made.get(page_of(member)).content.decode()
        for act in ACTS:
            assert (act_of(member, act) in page) == (f"{act}_member" in permissions)
        assert 'id="sessions-heading"' not in page
        assert 'id="events-heading"' not in page
    grant(made, ("view_member", "view_session", "view_auditevent"))
    page = made.get(page_of(member)).content.decode()
    assert 'id="sessions-heading"' in page
    assert 'id="events-heading"' in page


def test_aa02_staff_without_any_permission_see_none_of_it_in_the_admins_index(places):
    made = staff_member()
    assert b"stytch_totp" not in made.get("/admin/").content
    assert made.get("/admin/stytch_totp/").status_code == 404
    grant(made, ("view_member",))
    assert b"/admin/stytch_totp/member/" in made.get("/admin/").content
    assert b"/admin/stytch_totp/session/" not in made.get("/admin/").content


@pytest.mark.parametrize("model", ["member", "organization", "session", "auditevent", "supportrequest"])
def test_aa02_nobody_adds_changes_or_deletes_a_row(places, model, configure):
    configure(SECOND_APPROVER=True)
    superuser = staff_member(superuser=True)
    do(superuser, act_of(places["home"], "unlock"))
    keys = {
        "member": places["home"].pk,
        "organization": places["home"].organization_id,
        "session": Session.objects.first().pk,
        "auditevent": AuditEvent.objects.first().pk,
        "supportrequest": SupportRequest.objects.get().pk,
    }
    before = rows_of(*TABLES, AuditEvent)
    for url in (
        reverse(f"admin:stytch_totp_{model}_add"),
        row_page(model, keys[model]),
        reverse(f"admin:stytch_totp_{model}_delete", args=[keys[model]]),
        list_page(model),
    ):
        data = {"email": "new@example.com", "post": "yes", "action": "delete_selected", "_selected_action": keys[model]}
        answer = superuser.client.post(url, data)
        assert answer.status_code == (200 if url == list_page(model) else 403), url
    assert rows_of(*TABLES, AuditEvent) == before


@pytest.mark.parametrize("limited_to", ["nothing", "no permission"])
def test_aa06_what_is_tried_on_somebody_unseen_is_on_record(places, limited_to):
    seen = ("view_member",) if limited_to == "nothing" else ()
    made = staff_member(*seen, "reset_mfa_member")
    if limited_to == "nothing":
        limit(made.user)
    assert do(made, act_of(places["home"], "reset_mfa")).status_code == 404
    event = AuditEvent.objects.latest("pk")
    assert (event.tag, event.member_id) == (DENIED, places["home"].pk)


def test_limits_are_of_users_who_exist(places):
    made = staff_member()
    limit(made.user, places["home"].organization)
    made.user.delete()
    assert StaffLimit.objects.count() == 0
