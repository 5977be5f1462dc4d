"""What the API's own tests can't reach: rows that change between one statement and the next."""

from uuid import uuid4

import pytest

from stytch_totp import errors
from stytch_totp.models import Member, Organization
from stytch_totp.operations import enrolment, members, organizations, verification
from stytch_totp.operations.audit import SYSTEM, Actor
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol
from tests.operations.situations import BROWSER, begin, fresh, person, refusal, user

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_organization_deleted_since_it_was_found_is_not_changed(organization):
    organizations.delete(Organization.objects.get(), actor=ACTOR)
    with pytest.raises(errors.OrganizationNotFound):
        organizations.update(organization, name="New", actor=ACTOR)


def test_a_slug_taken_since_it_was_looked_up_is_refused_by_the_database(organization, monkeypatch):
    monkeypatch.setattr(organizations, "_check_unique", lambda _: None)
    with pytest.raises(errors.OrganizationSlugAlreadyUsed):
        organizations.create(name="Other", slug=organization.slug, actor=ACTOR)


@pytest.mark.parametrize("given", [True, False])
def test_a_derived_slug_taken_since_it_was_looked_up_is_made_another(organization, monkeypatch, given):
    derive, taken = organizations._derived_slug, organization.slug
    monkeypatch.setattr(organizations, "_derived_slug", lambda name, **how: derive(name, **how) if how else taken)
    if given:
        refused = refusal(lambda: organizations.create(name="Other", slug=taken, actor=ACTOR))
        assert refused is errors.OrganizationSlugAlreadyUsed
    else:
        assert organizations.create(name="Other", actor=ACTOR).slug.startswith("other-")


def test_a_member_deleted_since_it_was_found_is_not_changed(member):
    members.delete(fresh(member), actor=ACTOR)
    with pytest.raises(errors.MemberNotFound):
        members.update(member, name="New", actor=ACTOR)


@pytest.mark.parametrize("status", ["pending", "deleted"])
def test_a_second_factor_is_for_active_members(enrolled, status):
    member, secret, _ = enrolled
    proof = begin(member)
    Member.objects.update(status=status)
    with pytest.raises(errors.OnlyForActiveMembers):
        verification.authenticate(fresh(member), code=code_of(secret), proof=proof, actor=ACTOR)


def test_a_member_that_is_gone_while_its_code_is_accepted_is_not_let_in(enrolled, monkeypatch):
    member, secret, _ = enrolled
    proof = begin(member)
    draft = verification.grants.draft

    def draft_and_remove(*arguments, **options):
        drawn = draft(*arguments, **options)
        Member.objects.filter(pk=member.pk).delete()
        return drawn

    monkeypatch.setattr(verification.grants, "draft", draft_and_remove)
    with pytest.raises(errors.TOTPCodeAlreadyAuthenticated):
        verification.authenticate(
            fresh(member), code=code_of(secret), proof=proof, set_mfa_enrollment="enroll", actor=ACTOR
        )


def test_the_consumer_directory_is_one_and_no_organization_of_the_b2b_api(db):
    directory = OrganizationFactory.create(kind="consumer", consumer_key="consumer", slug="consumers")
    for name in (f"organization-test-{directory.pk}", "consumers"):
        with pytest.raises(errors.OrganizationNotFound):
            organizations.resolve(name)


def test_codes_of_a_registration_that_is_gone_are_not_rotated(enrolled):
    member, _, _ = enrolled
    assert member.active_totp_id
    enrolment.delete(fresh(member), actor=ACTOR)
    with pytest.raises(errors.NoRecoveryCodeBackedFactor):
        enrolment.rotate_recovery_codes(member, actor=ACTOR)


class TestWhoVouchesForAnAddress:
    """Who could give a member of its own somebody else's address could switch to that one's organizations."""

    PAGE_AND_ADMIN = [BROWSER, Actor("member", "member-test-admin")]

    @pytest.mark.parametrize("actor", PAGE_AND_ADMIN, ids=lambda actor: actor.kind)
    @pytest.mark.parametrize(
        ("email", "verified"),
        [
            ("eve@example.com", False),
            ("ADA@example.com", True),
            ("ada@example.com", True),
            ("ad\u0430@example.com", None),
        ],
        ids=ascii,
    )
    def test_te05_an_address_changed_by_who_does_not_vouch_is_unverified(self, actor, email, verified):
        one = person()
        if verified is None:
            assert refusal(lambda: members.update(one, email=email, actor=actor)) is errors.InvalidEmail
        else:
            assert members.update(one, email=email, actor=actor).email_verified is verified
        assert fresh(one).email_verified is (verified is not False)

    @pytest.mark.parametrize("actor", PAGE_AND_ADMIN, ids=lambda actor: actor.kind)
    def test_what_is_not_the_address_leaves_it_verified(self, actor):
        assert members.update(person(), name="Ada", actor=actor).email_verified

    @pytest.mark.parametrize("actor", [ACTOR, SYSTEM], ids=lambda actor: actor.kind)
    def test_a_back_end_vouches_for_what_it_writes(self, actor):
        for verified in (True, False):
            one = person(email_verified=verified)
            assert members.update(one, email="eve@example.com", actor=actor).email_verified
            assert members.update(one, email="EVE@example.com", name="Eve", actor=actor).email_verified

    @pytest.mark.parametrize(
        ("actor", "options", "verified"),
        [
            (ACTOR, {}, True),
            (SYSTEM, {}, True),
            (ACTOR, {"pending": True}, False),
            (BROWSER, {}, False),
            (Actor("member", "x"), {}, False),
        ],
        ids=["back end", "command", "pending", "page", "admin"],
    )
    def test_te05_a_new_members_address_is_as_good_as_who_names_it(self, organization, actor, options, verified):
        made = members.create(organization, email="new@example.com", actor=actor, **options)
        assert made.email_verified is verified
        assert (members.with_email("NEW@example.com") == [made]) is verified

    def test_nobody_vouches_for_a_users_address(self, db):
        made = members.create(organizations.consumer(), email="new@example.com", actor=ACTOR)
        assert not made.email_verified
        assert members.with_email("new@example.com") == []


class TestTheConsumerDirectory:
    def test_it_is_made_on_first_use_and_found_by_no_name(self, db):
        made = organizations.consumer()
        assert organizations.consumer() == made == Organization.objects.get()
        assert (made.kind, made.consumer_key, made.slug) == ("consumer", "consumer", "")
        assert organizations.by_slug("") is None
        for name in (made.public_id, "", made.name):
            assert refusal(lambda name=name: organizations.resolve(name)) is errors.OrganizationNotFound

    def test_it_is_made_once_even_if_two_make_it_at_once(self, db, monkeypatch):
        rows = type(Organization.objects.all())
        look, made = rows.first, []

        def look_and_be_overtaken(self):
            found = look(self)
            monkeypatch.undo()
            made.append(organizations.consumer())
            return found

        monkeypatch.setattr(rows, "first", look_and_be_overtaken)
        assert organizations.consumer() == made[0] == Organization.objects.get()

    def test_a_tenant_is_found_by_exactly_its_slug(self, organization):
        assert organizations.by_slug(organization.slug) == organization
        for other in (organization.slug.upper(), organization.public_id, organization.name):
            assert organizations.by_slug(other) is None


class TestUsersByName:
    @pytest.fixture
    def one(self, db):
        return user(external_id="ada")

    def test_a_user_is_found_by_its_ids(self, one):
        for name in (one.public_id, "ada"):
            assert members.resolve_user(name) == one

    def test_te06_a_members_id_is_no_users(self, one, member):
        Member.objects.filter(pk=member.pk).update(external_id="eve")
        unknown = f"user-test-{member.pk}", "eve", f"user-test-{uuid4()}", "nobody"
        malformed = member.public_id, f"member-test-{one.pk}", f"user-live-{one.pk}", "", "a b", "a" * 129
        for name in unknown:
            assert refusal(lambda name=name: members.resolve_user(name)) is errors.MemberNotFound
        for name in malformed:
            assert refusal(lambda name=name: members.resolve_user(name)) is errors.InvalidUserID
        for name in (one.public_id, f"member-test-{one.pk}", "ada"):
            assert refusal(lambda name=name: members.resolve(member.organization.slug, name)) is errors.MemberNotFound
            assert refusal(lambda name=name: members.resolve_anywhere(name)) is errors.MemberNotFound

    @pytest.mark.parametrize("by_totp", [False, True])
    def test_a_deleted_user_is_none(self, one, by_totp):
        enrol(one)
        name = f"totp-test-{fresh(one).active_totp_id}" if by_totp else one.public_id
        resolve, unknown = (
            (members.resolve_totp, errors.UserHasNoSuchTOTP)
            if by_totp
            else (members.resolve_user, errors.MemberNotFound)
        )
        assert resolve(name) == one
        Member.objects.update(status="deleted")
        assert refusal(lambda: resolve(name)) is unknown

    def test_te06_a_totp_leads_to_its_user_and_never_to_a_member(self, one, member):
        enrol(one)
        enrol(member)
        own, theirs = fresh(one).active_totp_id, fresh(member).active_totp_id
        assert members.resolve_totp(f"totp-test-{own}") == one
        for name in (f"totp-test-{theirs}", f"totp-test-{uuid4()}"):
            assert refusal(lambda name=name: members.resolve_totp(name)) is errors.UserHasNoSuchTOTP
        for name in (f"member-totp-test-{own}", f"totp-live-{own}", "x", ""):
            assert refusal(lambda name=name: members.resolve_totp(name)) is errors.InvalidTOTPID

    @pytest.mark.parametrize("known", [True, False])
    def test_te06_who_is_known_already_is_still_the_right_product(self, one, known):
        organization = one.organization.public_id
        for name in (f"member-test-{one.pk}", one.public_id):
            refused = refusal(lambda name=name: members.resolve(organization, name, known=one if known else None))
            assert refused in (errors.MemberNotFound, errors.OrganizationNotFound)

    def test_a_user_may_have_a_phone_number_for_an_address(self, db):
        directory = organizations.consumer()
        made = members.create(directory, email="", mfa_phone_number="+15005550006", actor=ACTOR)
        assert (made.email, made.email_key) == ("", None)
        members.create(directory, email="", mfa_phone_number="+15005550007", actor=ACTOR)
        assert refusal(lambda: members.create(directory, email="", actor=ACTOR)) is errors.InvalidEmail

    def test_a_member_may_not(self, organization):
        def create():
            return members.create(organization, email="", mfa_phone_number="+15005550006", actor=ACTOR)

        assert refusal(create) is errors.InvalidEmail

    def test_a_users_own_role_is_not_listed_twice(self, db):
        made = members.create(
            organizations.consumer(), email="a@example.com", roles=["stytch_user", "x", "x"], actor=ACTOR
        )
        assert (made.roles, made.all_roles) == (["x"], ["stytch_user", "x"])


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"mfa_phone_verified": True}, errors.BadRequest),
        ({"mfa_phone_number": "+15005550006", "mfa_phone_verified": True}, None),
        ({"mfa_phone_number": "5005550006"}, errors.BadRequest),
        ({"roles": ["x"] * 32}, None),
        ({"roles": ["x"] * 33}, errors.BadRequest),
        ({"roles": ["x" * 64]}, None),
        ({"roles": ["x" * 65]}, errors.BadRequest),
        ({"roles": [""]}, errors.BadRequest),
        ({"email": "a" * 65 + "@example.com"}, None),
        ({"email": "a@" + ".".join(["b" * 60] * 4) + ".example"}, None),
        ({"email": "a@" + ".".join(["b" * 60] * 4) + ".examples.com"}, errors.InvalidEmail),
        ({"untrusted_metadata": {"a": "x" * 16_000}}, None),
        ({"untrusted_metadata": {"a": "x" * 16_384}}, errors.BadRequest),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_members_fields_have_their_forms_and_sizes(member, fields, refused):
    assert refusal(lambda: members.update(member, actor=ACTOR, **fields)) is refused
