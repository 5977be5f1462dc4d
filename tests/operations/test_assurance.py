"""How sure a request can be of who sends it: the refusal as a decision table, then sessions and JWTs."""

from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model

from stytch_totp import conf, errors
from stytch_totp.core import jwt
from stytch_totp.core.factors import factor
from stytch_totp.models import Member, Organization
from stytch_totp.operations import enrolment, members, organizations, sessions, signing
from stytch_totp.operations.assurance import NOBODY, Assurance, of_jwt, of_token
from tests.clock import CLOCK
from tests.factories import ACTOR, enrol, make_member
from tests.operations.situations import aged, fresh, refusal, session_of, user

NOW = 1_800_000_000
MOST = 600
NO_ID = "00000000-0000-4000-8000-000000000000"


def shown(**ages):
    """Factors that were shown so many seconds ago."""
    return [factor(kind, None, NOW - age) for kind, age in ages.items()]


def login(shown_factors=(), **facts):
    return Assurance(user=object(), factors=list(shown_factors), **facts)


# The decision


@pytest.mark.parametrize(("required", "enrolled"), list(product([False, True], repeat=2)))
@pytest.mark.parametrize(
    ("demand", "refused"),
    [
        ({}, None),
        ({"demanded": True}, errors.UserUnauthenticated),
        ({"max_age": MOST}, errors.UserUnauthenticated),
        ({"demanded": True, "max_age": MOST}, errors.UserUnauthenticated),
    ],
    ids=str,
)
def test_who_is_not_logged_in_is_refused_what_is_demanded(demand, refused, required, enrolled):
    """Nothing else: that is for the host to say."""
    for one in (NOBODY, Assurance(required=required, enrolled=enrolled)):
        assert type(one.refusal(**demand)) is (refused or type(None))


TROUBLES = [errors.NotAMember, errors.OrganizationNotChosen, errors.SessionNotFound]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("who", [None, object()], ids=["nobody", "somebody"])
def test_a_trouble_comes_before_everything_that_was_shown(trouble, who):
    for required, demanded, max_age in product([False, True], [False, True], [None, MOST]):
        found = Assurance(who, shown(password=0, totp=0), required=required, enrolled=True, trouble=trouble)
        refused = found.refusal(demanded=demanded, max_age=max_age)
        assert (type(refused), refused.details) == (trouble, {})


#: What was shown, and what of it is a second factor: None, or its age.
SHOWN = [
    ({}, None),
    ({"password": 0}, None),
    ({"totp": 0}, 0),
    ({"password": 0, "totp": MOST - 1}, MOST - 1),
    ({"password": 0, "totp": MOST}, MOST),
    ({"password": 0, "totp": MOST + 1}, MOST + 1),
    ({"password": MOST * 9, "recovery_codes": MOST}, MOST),
    ({"password": 0, "recovery_codes": MOST + 1}, MOST + 1),
    ({"totp": MOST * 9, "recovery_codes": 0}, 0),
]


def expected(age, *, required, enrolled, demanded, max_age):
    """The rules in words."""
    if not (required or demanded or max_age is not None):
        return None
    if age is not None and (max_age is None or age <= max_age):
        return None
    if not enrolled:
        return errors.MFAEnrollmentRequired
    return errors.MFARequired if age is None else errors.StepUpRequired


@pytest.mark.parametrize(("ages", "age"), SHOWN)
@pytest.mark.parametrize("max_age", [None, 1, MOST])
def test_a_login_is_refused_as_the_rules_say(ages, age, max_age):
    for required, enrolled, demanded in product([False, True], repeat=3):
        found = login(shown(**ages), required=required, enrolled=enrolled)
        refused = found.refusal(demanded=demanded, max_age=max_age)
        rule = expected(age, required=required, enrolled=enrolled, demanded=demanded, max_age=max_age)
        assert type(refused) is (rule or type(None))
        assert refused is None or refused.details == ({} if max_age is None else {"max_age": max_age})


def test_an_age_ends_to_the_second():
    found = login(shown(totp=0), enrolled=True)
    CLOCK.advance(MOST)
    assert found.refusal(max_age=MOST) is None
    CLOCK.advance(1)
    assert type(found.refusal(max_age=MOST)) is errors.StepUpRequired


@pytest.mark.parametrize("max_age", [NOW - 1, NOW, NOW + 1, 10**12])
@pytest.mark.parametrize(("enrolled", "refused"), [(True, errors.MFARequired), (False, errors.MFAEnrollmentRequired)])
def test_an_age_of_more_than_all_time_is_still_not_had_by_what_was_never_shown(max_age, enrolled, refused):
    assert type(login(shown(password=0), enrolled=enrolled).refusal(max_age=max_age)) is refused
    assert login(shown(totp=NOW - 1), enrolled=enrolled).refusal(max_age=max_age) is None


@pytest.mark.parametrize("max_age", [0, -1])
def test_an_age_of_nothing_is_had_by_nothing_that_lies_back(max_age):
    assert type(login(shown(totp=1), enrolled=True).refusal(max_age=max_age)) is errors.StepUpRequired


# What is known


@pytest.mark.parametrize(
    ("ages", "known"),
    [
        ({}, (False, 0, 0, [])),
        ({"password": 5}, (False, 0, NOW - 5, ["pwd"])),
        ({"totp": 5}, (True, NOW - 5, NOW - 5, ["otp"])),
        ({"password": 9, "totp": 5}, (True, NOW - 5, NOW - 5, ["mfa", "otp", "pwd"])),
        ({"password": 3, "totp": 5}, (True, NOW - 5, NOW - 3, ["mfa", "otp", "pwd"])),
        ({"password": 9, "recovery_codes": 5}, (True, NOW - 5, NOW - 5, ["mfa", "otp", "pwd"])),
        ({"password": 9, "totp": 7, "recovery_codes": 5}, (True, NOW - 5, NOW - 5, ["mfa", "otp", "pwd"])),
    ],
    ids=str,
)
def test_what_was_shown_and_when_can_be_read(ages, known):
    found = login(shown(**ages))
    assert (found.verified, found.verified_at, found.auth_time, found.amr) == known


def test_of_nobody_nothing_is_known():
    assert (NOBODY.user, NOBODY.member, NOBODY.organization) == (None, None, None)
    assert (NOBODY.verified, NOBODY.verified_at, NOBODY.auth_time, NOBODY.amr) == (False, 0, 0, [])


@pytest.mark.django_db
def test_a_user_without_a_member_belongs_to_the_directory_of_users():
    assert (login().member, login().organization) == (None, organizations.consumer())


@pytest.mark.django_db
def test_the_member_is_looked_for_once_and_only_if_it_is_wanted(member, django_assert_num_queries):
    found = login(shown(totp=0), required=True, enrolled=True, find_member=lambda: fresh(member))
    with django_assert_num_queries(0):
        assert found.refusal() is None
        assert found.amr == ["otp"]
    with django_assert_num_queries(1):
        assert (found.member, found.organization) == (member, member.organization)
        assert found.member is found.member


# By a session's row


@pytest.fixture
def ada(organization):
    """A member that a Django user stands behind."""
    account = get_user_model().objects.create_user("ada", "ada@example.com")
    return make_member(organization=organization, user=account, email="ada@example.com")


def by_token(session):
    return of_token(session.reveal())


def by_jwt(session):
    return of_jwt(signing.mint(session))


BOTH = pytest.mark.parametrize("read", [by_token, by_jwt])


@BOTH
@pytest.mark.django_db
@pytest.mark.parametrize("kinds", [("password",), ("password", "totp"), ("password", "recovery_codes"), ("totp",)])
def test_a_session_says_what_was_shown_and_when(ada, read, kinds):
    session = aged(ada, **{kind: 60 * (at + 1) for at, kind in enumerate(kinds)})
    found = read(session)
    assert (found.member, found.user, found.trouble) == (ada, ada.user, None)
    assert [(one["type"], one["last_authenticated_at"]) for one in found.factors] == [
        (kind, NOW - 60 * (at + 1)) for at, kind in enumerate(kinds)
    ]
    assert (found.auth_time, found.organization) == (NOW - 60, ada.organization)
    assert found.verified is (kinds != ("password",))


@BOTH
@pytest.mark.django_db
def test_a_member_without_a_django_user_has_none(member, read):
    assert read(session_of(member, "password")).user is None


@BOTH
@pytest.mark.django_db
def test_a_users_session_is_as_good(read):
    ada = user()
    enrol(ada)
    found = read(session_of(fresh(ada), "password", "totp"))
    assert (found.member, found.required, found.enrolled, found.verified) == (ada, True, True, True)


@BOTH
@pytest.mark.django_db
def test_whether_a_factor_is_owed_and_had_is_the_databases_to_say_now(ada, read):
    session = session_of(ada, "password")
    assert read(session).refusal() is None
    Organization.objects.update(mfa_policy="REQUIRED_FOR_ALL")
    assert type(read(session).refusal()) is errors.MFAEnrollmentRequired
    enrol(ada)
    assert type(read(session).refusal()) is errors.MFARequired
    Organization.objects.update(mfa_policy="OPTIONAL")
    assert read(session).refusal() is None
    Member.objects.update(mfa_enrolled=True)
    found = read(session)
    assert (type(found.refusal()), found.required, found.enrolled) == (errors.MFARequired, True, True)


@BOTH
@pytest.mark.django_db
def test_en04_a_pending_totp_is_not_one_that_could_be_shown(ada, read):
    session = session_of(ada, "password")
    enrolment.create(ada, proof=None, actor=ACTOR)
    assert (read(session).enrolled, type(read(session).refusal(demanded=True))) == (False, errors.MFAEnrollmentRequired)


@pytest.mark.django_db
def test_a_token_counts_until_its_session_ends(ada):
    session = session_of(ada, "password", "totp")
    CLOCK.at = session.expires_at - 1
    assert by_token(session).verified
    CLOCK.at = session.expires_at
    assert refusal(lambda: by_token(session)) is errors.SessionNotFound


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "a" * 44, "\u00e9" * 44])
def test_what_is_no_session_token_is_refused(token):
    with pytest.raises(errors.StytchError):
        of_token(token)


@pytest.mark.django_db
def test_se08_a_revoked_session_is_none_at_once_but_its_jwt_is_believed_for_five_minutes(ada):
    session = session_of(ada, "password", "totp")
    token = signing.mint(session)
    sessions.revoke(session, actor=ACTOR)
    assert refusal(lambda: by_token(session)) is errors.SessionNotFound
    CLOCK.advance(jwt.LIFETIME - 1)
    assert of_jwt(token).verified
    CLOCK.advance(1)
    with pytest.raises(jwt.InvalidJWT):
        of_jwt(token)


# By a JWT alone


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "believed"), [(-1, False), (0, True), (jwt.LIFETIME - 1, True), (jwt.LIFETIME, False), (10**9, False)]
)
def test_a_jwt_counts_from_its_first_second_to_its_last(ada, seconds, believed):
    token = signing.mint(session_of(ada, "password"))
    CLOCK.advance(seconds)
    if believed:
        assert of_jwt(token).member == ada
    else:
        with pytest.raises(jwt.InvalidJWT):
            of_jwt(token)


@pytest.mark.django_db
def test_se13_a_jwt_from_before_the_second_factor_is_one_without_it(ada):
    session = session_of(ada, "password")
    token = signing.mint(session)
    enrol(ada)
    Member.objects.update(mfa_enrolled=True)
    assert type(of_jwt(token).refusal()) is errors.MFARequired
    assert by_jwt(session_of(ada, "password", "totp")).refusal() is None


@pytest.mark.django_db
def test_a_jwt_of_a_deleted_member_leads_to_nobody(ada):
    session = session_of(ada, "password")
    token = signing.mint(session)
    members.delete(fresh(ada), actor=ACTOR)
    assert refusal(lambda: of_jwt(token)) is errors.MemberNotFound
    assert refusal(lambda: by_token(session)) is errors.SessionNotFound


def payload(member, **changes):
    now = conf.now()
    project = conf.conf().project_id
    claims = {
        "aud": [project],
        "iss": f"stytch.com/{project}",
        "sub": member.public_id,
        "iat": now,
        "nbf": now,
        "exp": now + jwt.LIFETIME,
        jwt.SESSION_CLAIM: {"authentication_factors": []},
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


@pytest.mark.django_db
def test_the_claims_that_the_next_tests_break_are_good_unbroken(ada):
    assert of_jwt(signing.sign(payload(ada))).member == ada


OTHER = "project-test-99999999-9999-4999-8999-999999999999"
SPELT = {"type": "totp", "created_at": "2027-01-15T08:00:00Z", "last_authenticated_at": "2027-01-15T08:00:00Z"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "broken",
    [
        {"aud": [OTHER]},
        {"aud": []},
        {"aud": None},
        {"iss": f"stytch.com/{OTHER}"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"exp": None},
        {"exp": NOW + 301},
        {"exp": NOW + 10**9},
        {"exp": float(NOW + 300)},
        {"nbf": None},
        {"nbf": NOW + 1},
        {"iat": NOW + 60, "nbf": NOW + 60, "exp": NOW + 360},
        {"iat": NOW - 300, "nbf": NOW - 300, "exp": NOW},
        {jwt.SESSION_CLAIM: None},
        {jwt.SESSION_CLAIM: []},
        {jwt.SESSION_CLAIM: {}},
        {jwt.SESSION_CLAIM: {"authentication_factors": None}},
        {jwt.SESSION_CLAIM: {"authentication_factors": 7}},
        {jwt.SESSION_CLAIM: {"authentication_factors": "totp"}},
        {jwt.SESSION_CLAIM: {"authentication_factors": {"type": "totp"}}},
        {jwt.SESSION_CLAIM: {"authentication_factors": ["totp"]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [None]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [{}]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [SPELT | {"type": "carrier_pigeon"}]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [SPELT | {"type": ["totp"]}]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [SPELT | {"last_authenticated_at": "now"}]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [SPELT | {"created_at": None}]}},
        {jwt.SESSION_CLAIM: {"authentication_factors": [SPELT, {"type": "password"}]}},
    ],
    ids=ascii,
)
def test_se10_a_jwt_of_ours_with_claims_that_are_none_of_ours_is_none(ada, broken):
    token = signing.sign(payload(ada, **broken))
    with pytest.raises(jwt.InvalidJWT):
        of_jwt(token)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "subject", ["", "member-test-", f"member-test-{NO_ID}", f"user-test-{NO_ID}", f"member-live-{NO_ID}", "a\x00"]
)
def test_a_jwt_of_nobody_leads_to_nobody(ada, subject):
    assert refusal(lambda: of_jwt(signing.sign(payload(ada, sub=subject)))) is errors.MemberNotFound


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "x", "a.b.c", "..", "\u00e9.\u00e9.\u00e9", "a" * 20_000])
def test_se09_what_is_no_jwt_is_refused(token):
    with pytest.raises(jwt.InvalidJWT):
        of_jwt(token)


@pytest.mark.django_db
def test_se09_a_jwt_that_somebody_else_signed_is_none(ada):
    theirs, ours = rsa.generate_private_key(public_exponent=65537, key_size=2048), signing.key_set()[0]
    forged = jwt.mint(payload(ada), key=theirs, kid=conf.public_id("jwk", ours.pk))
    with pytest.raises(jwt.InvalidJWT):
        of_jwt(forged)


@pytest.mark.django_db
def test_se11_a_jwt_of_another_project_is_none_here(ada, configure, settings):
    here = settings.STYTCH_TOTP["PROJECT_ID"]
    configure(PROJECT_ID=OTHER)
    token = signing.mint(session_of(ada, "password"))
    assert of_jwt(token).member == ada
    configure(PROJECT_ID=here)
    with pytest.raises(jwt.InvalidJWT):
        of_jwt(token)
