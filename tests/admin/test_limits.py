"""Staff who are limited to organizations see and touch nothing of others (TE-10), and who limits them."""

import re

import pytest
from django.urls import reverse

from stytch_totp.conf import public_id
from stytch_totp.models import AuditEvent, Organization, Session, StaffLimit, SupportRequest, TOTPRegistration
from stytch_totp.operations.audit import Tag, record
from tests.admin.crawl import Crawl, guessed
from tests.admin.desk import (
    ACTS,
    ALL,
    REASON,
    app_models,
    colleague,
    do,
    limit,
    list_page,
    rows_of,
    staff_member,
    trail,
)
from tests.factories import ACTOR, OrganizationFactory, enrol, make_member
from tests.operations.situations import session_of

pytestmark = pytest.mark.django_db

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
ADD = reverse("admin:stytch_totp_stafflimit_add")


def furnish(slug):
    """An organization with a member, and everything there is of theirs; what of it must not be seen elsewhere."""
    organization = OrganizationFactory.create(slug=slug, name=f"Name of {slug}", external_id=f"external-{slug}")
    member = make_member(
        organization=organization,
        email=f"ada@{slug}.example",
        external_id=f"ada-{slug}",
        name=f"Ada of {slug}",
        user=colleague(username=f"countess-{slug}", is_staff=False),
    )
    enrol(member)
    session = session_of(member, "password", "totp")
    Session.objects.filter(pk=session.pk).update(user_agent=f"browser of {slug}", ip_address="203.0.113.7")
    asked = SupportRequest.objects.create(
        member=member, act="unlock", reason=f"reason of {slug}", asked_at=1_800_000_000, expires_at=1_800_086_400
    )
    totp = TOTPRegistration.objects.get(member=member)
    names = [organization.name, member.email, member.name, f"browser of {slug}", f"reason of {slug}"]
    keys = [str(one.pk) for one in (organization, member, session, asked, totp)]
    return {
        "organization": organization,
        "member": member,
        "search": [slug, organization.external_id, member.email, "ada", f"ada-{slug}", f"countess-{slug}"]
        + [form for key in keys for form in (key, key.replace("-", ""), f"member-test-{key}")]
        + [public_id("session", session.pk), public_id("organization", organization.pk)],
        "canaries": tuple(one.encode() for one in [*names, *keys]),
    }


@pytest.fixture
def away():
    return furnish("faraway")


@pytest.fixture
def staff(away):
    """Everything is permitted, in one organization."""
    made = staff_member(*ALL)
    limit(made.user, furnish("home")["organization"])
    return made


def _met(visitor, url):
    """What somebody is answered, to the letter but for the token against forgery, and told on the next page."""
    answer = visitor.get(url)
    page, told = (_TOKEN.sub("", one.content.decode()) for one in (answer, visitor.get("/admin/")))
    return answer.status_code, answer.get("Location", ""), page, told


class TestTheLimited:
    def test_te10_no_page_shows_anything_of_another_organization(self, staff, away):
        record(Tag.AUDIT_VERIFIED, ACTOR, note="of-the-project")
        before, urls = rows_of(*app_models()), guessed()
        mine = {url for url in urls if not any(one.decode() in url for one in away["canaries"])}
        crawl = Crawl(staff, canaries=(*away["canaries"], b"of-the-project"))
        crawl.follow(*sorted(mine))
        shown = sum(status == 200 for status in crawl.pages.values())
        print(f"{len(crawl.pages)} pages, {shown} shown, {crawl.megabytes} MB")
        assert crawl.hits == []
        assert shown > 60
        assert rows_of(*app_models()) == before

    def test_te10_no_address_of_a_row_of_another_organization_leads_to_it(self, staff, away):
        theirs = [url for url in guessed() if any(one.decode() in url for one in away["canaries"]) and "?q=" not in url]
        nobody = "00000000-0000-4000-8000-00000000dead"
        cells = 0
        for url in theirs:
            key = next(one.decode() for one in away["canaries"] if one.decode() in url)
            met, unknown = _met(staff, url), _met(staff, url.replace(key, nobody))
            assert met[0] != 200, url
            assert [str(one).replace(key, nobody) for one in met] == [str(one) for one in unknown], url
            cells += 1
        print(f"{cells} addresses")
        assert cells > 20

    def test_te10_no_search_finds_anything_of_another_organization(self, staff, away):
        cells = 0
        for model in ("member", "session", "organization", "auditevent"):
            for text in away["search"]:
                answer = staff.client.get(list_page(model), {"q": text})
                found = answer.context["cl"].result_list
                seen = [one for one in found if "faraway" in str(vars(one)) or str(away["member"].pk) in str(vars(one))]
                assert seen == [], (model, text)
                assert len(found) == 0 or text == "ada", (model, text)
                cells += 1
        print(f"{cells} searches")

    def test_te10_autocompletion_offers_ones_own_organizations(self, staff, away):
        for term in ("", *away["search"]):
            url = "/admin/autocomplete/?app_label=stytch_totp&model_name=stafflimit&field_name=organizations"
            answer = staff.client.get(f"{url}&term={term}")
            assert answer.status_code == 200
            assert {one["text"] for one in answer.json()["results"]} <= {"home"}

    def test_te10_no_act_reaches_another_organization(self, staff, away):
        before = rows_of(*(one for one in app_models() if not one.__name__.startswith("Audit")))
        member, asked = away["member"].pk, SupportRequest.objects.get(member=away["member"]).pk
        urls = [f"/admin/stytch_totp/member/{member}/{act}/" for act in ACTS]
        urls += [f"/admin/stytch_totp/supportrequest/{asked}/{decision}/" for decision in ("approve", "decline")]
        urls += [f"/admin/stytch_totp/organization/{away['organization'].pk}/require_mfa/"]
        for url in urls:
            assert (staff.get(url).status_code, do(staff, url).status_code) == (404, 404)
        assert rows_of(*(one for one in app_models() if not one.__name__.startswith("Audit"))) == before

    def test_te10_a_new_limit_holds_from_the_next_request_on(self, away):
        made = staff_member(*ALL)
        url = f"/admin/stytch_totp/member/{away['member'].pk}/change/"
        assert made.get(url).status_code == 200
        limit(made.user)
        assert made.get(url).status_code == 302

    def test_te10_a_limit_whose_organization_is_deleted_limits_to_none(self, away):
        home = furnish("home")["organization"]
        made = staff_member(*ALL)
        limit(made.user, home)
        Organization.objects.filter(pk=home.pk).delete()
        for model in ("member", "session", "organization", "auditevent", "supportrequest"):
            answer = made.get(list_page(model))
            assert (answer.status_code, len(answer.context["cl"].result_list)) == (200, 0), model


class TestWhoLimits:
    @pytest.mark.parametrize("permissions", [(), ("add_stafflimit", "change_stafflimit", "delete_stafflimit")])
    def test_te10_limits_are_for_superusers_alone(self, away, permissions):
        made = staff_member(*ALL, *permissions)
        own = limit(made.user)
        change = reverse("admin:stytch_totp_stafflimit_change", args=[own.pk])
        for url in (ADD, change, change.replace("change", "delete"), change.replace("change", "history")):
            assert made.get(url).status_code == 403
            data = {"user": made.user.pk, "organizations": [away["organization"].pk], "post": "yes"}
            assert made.client.post(url, data).status_code == 403
        assert made.get(list_page("stafflimit")).status_code == 403
        assert list(StaffLimit.objects.values_list("user", "organizations")) == [(made.user.pk, None)]

    def test_te10_a_superuser_limits_changes_and_frees_and_each_is_on_record(self, away):
        superuser, user = staff_member(superuser=True), colleague()
        data = {"user": user.pk, "organizations": [away["organization"].pk]}
        assert superuser.client.post(ADD, data).status_code == 302
        made = StaffLimit.objects.get()
        change = reverse("admin:stytch_totp_stafflimit_change", args=[made.pk])
        assert superuser.client.post(change, {"user": user.pk, "organizations": []}).status_code == 302
        assert superuser.client.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 302
        events = AuditEvent.objects.filter(tag__startswith="project:staff").order_by("pk")
        assert [(one.tag, one.details) for one in events] == [
            (
                "project:staff:limited",
                {"user": str(user.pk), "organizations": "faraway", "by": superuser.user.username},
            ),
            ("project:staff:limited", {"user": str(user.pk), "organizations": "", "by": superuser.user.username}),
            ("project:staff:unlimited", {"user": str(user.pk), "by": superuser.user.username}),
        ]
        assert {(one.actor_kind, one.actor_id) for one in events} == {("staff", str(superuser.user.pk))}

    def test_aa06_a_limit_that_is_given_to_another_user_frees_the_first_on_record(self, away):
        superuser, first, second = staff_member(superuser=True), colleague(), colleague()
        made = limit(first, away["organization"])
        change = reverse("admin:stytch_totp_stafflimit_change", args=[made.pk])
        data = {"user": second.pk, "organizations": [away["organization"].pk]}
        assert superuser.client.post(change, data).status_code == 302
        event = AuditEvent.objects.get(tag="project:staff:unlimited")
        assert event.details == {"user": str(first.pk), "by": superuser.user.username}

    def test_aa04_limiting_takes_a_second_factor_just_shown(self, away, clock):
        superuser, user = staff_member(superuser=True), colleague()
        change = reverse("admin:stytch_totp_stafflimit_change", args=[limit(user).pk])
        clock.advance(601)
        before = trail()
        for url in (ADD, change, change.replace("change", "delete")):
            assert superuser.get(url)["Location"].startswith("/mfa/verify/")
            data = {"user": user.pk, "organizations": [away["organization"].pk], "post": "yes"}
            assert superuser.client.post(url, data).status_code in (302, 403)
        assert (trail(), StaffLimit.objects.get().organizations.count()) == (before, 0)

    def test_a_form_that_is_sent_too_late_leads_to_the_second_factor(self, away, clock):
        superuser = staff_member(superuser=True)
        clock.advance(601)
        answer = superuser.client.post(ADD, {"user": superuser.user.pk}, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.get("Location", "")[:12]) == (302, "/mfa/verify/")


def test_te10_a_request_for_a_second_member_of_staff_stays_within_its_limits(configure, away):
    configure(SECOND_APPROVER=True)
    first, second = staff_member(*ALL), staff_member(*ALL)
    limit(second.user, furnish("home")["organization"])
    do(first, f"/admin/stytch_totp/member/{away['member'].pk}/unlock/", REASON)
    asked = SupportRequest.objects.latest("asked_at")
    assert do(second, f"/admin/stytch_totp/supportrequest/{asked.pk}/approve/").status_code == 404
