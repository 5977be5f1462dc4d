"""``/v1/b2b/totp`` (contract 1.1 to 1.3 and 1.8's delete)."""

import base64
import itertools
import re

import pyotp
import pytest

from stytch_totp.core import totp
from stytch_totp.models import Guard, IntermediateSession, Member
from tests.api.helpers import (
    COMMON,
    ORGANIZATIONS,
    ROUTES,
    SESSIONS,
    TOTP,
    authenticate,
    complete,
    discover,
    fault,
    intermediate,
    log_in,
    make_organization,
    make_person,
    make_world,
    not_refused,
    ok,
    recover,
    refused,
    rows,
    rows_hash,
    send,
    show_member,
    undone,
    unknown,
    with_totp,
)
from tests.api.slots import SDK_ROUTES
from tests.factories import code_of, wrong_code

pytestmark = pytest.mark.django_db

MO = {"member_id", "member", "organization"}
TOK = {"session_token", "session_jwt"}


def create(api, person, **fields):
    return api("POST", TOTP, {**person.ids, **fields})


def migrate(api, person, secret, recovery_codes=(), **fields):
    body = {**person.ids, "secret": secret, "recovery_codes": list(recovery_codes)}
    return api("POST", f"{TOTP}/migrate", {**body, **fields})


def delete(api, person):
    return api("DELETE", f"{person.member_path}/totp")


# Creation


def test_create_answers_what_the_contract_says_and_nothing_else(api):
    person = make_person(api, totp=False)
    made = ok(create(api, person))
    assert set(made) == COMMON | MO | {"totp_registration_id", "secret", "qr_code", "recovery_codes"}
    assert made["member_id"] == person.member_id
    assert re.fullmatch(r"member-totp-test-[0-9a-f-]{36}", made["totp_registration_id"])
    assert re.fullmatch(r"[A-Z2-7]{32}", made["secret"])
    assert made["qr_code"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert len(set(made["recovery_codes"])) == 10
    assert all(re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){2}", code) for code in made["recovery_codes"])


def test_a_pending_registration_does_not_show_on_the_member(api):
    person = make_person(api, totp=False)
    made = ok(create(api, person))
    assert made["member"]["totp_registration_id"] == ""
    assert show_member(api, person)["totp_registration_id"] == ""
    assert ok(log_in(api, person))["mfa_required"]["member_options"] is None


def test_the_first_accepted_code_makes_the_registration_active(api):
    person = make_person(api, totp=False)
    made = ok(create(api, person))
    done = authenticate(api, person, code_of(made["secret"]), intermediate_session_token=intermediate(api, person))
    member = ok(done)["member"]
    assert member["totp_registration_id"] == made["totp_registration_id"]
    assert member["default_mfa_method"] == "totp"
    assert show_member(api, person) == member


def test_a_second_create_replaces_the_pending_registration(api):
    person = make_person(api, totp=False)
    first, second = ok(create(api, person)), ok(create(api, person))
    assert first["secret"] != second["secret"]
    assert not set(first["recovery_codes"]) & set(second["recovery_codes"])
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(first["secret"]), intermediate_session_token=token)
    refused(answer, 401, "unable_to_authenticate_totp")
    ok(authenticate(api, person, code_of(second["secret"]), intermediate_session_token=token))


def test_create_is_refused_while_a_totp_is_active(api):
    person = make_person(api)
    before = rows_hash()
    refused(create(api, person), 400, "active_totp_exists")
    refused(migrate(api, person, pyotp.random_base32()), 400, "active_totp_exists")
    assert rows_hash() == before


def test_create_does_not_consume_the_intermediate_session(api):
    person = make_person(api, totp=False)
    token = intermediate(api, person)
    made = ok(create(api, person, intermediate_session_token=token))
    ok(authenticate(api, person, code_of(made["secret"]), intermediate_session_token=token))


def test_create_is_for_active_members(api):
    person = make_person(api, totp=False, create_member_as_pending=True)
    refused(create(api, person), 400, "action_available_only_for_active_members")
    refused(migrate(api, person, pyotp.random_base32()), 400, "action_available_only_for_active_members")


@pytest.mark.parametrize(
    ("restriction", "breakglass", "refusal"),
    [
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]}, False, True),
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]}, True, False),
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["totp"]}, False, False),
        ({"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp", "totp"]}, False, False),
        ({"mfa_methods": "ALL_ALLOWED", "allowed_mfa_methods": ["sms_otp"]}, False, False),
    ],
)
def test_the_organization_says_whether_totp_is_allowed(api, restriction, breakglass, refusal):
    organization = make_organization(api, mfa_policy="REQUIRED_FOR_ALL", **restriction)
    person = make_person(api, organization["organization_id"], totp=False, is_breakglass=breakglass)
    answer = create(api, person)
    if refusal:
        refused(answer, 400, "operation_restricted_by_organization_mfa_methods")
    else:
        ok(answer)


def test_a_restriction_made_later_stops_the_second_step_too(api):
    person = make_person(api)
    restriction = {"mfa_methods": "RESTRICTED", "allowed_mfa_methods": ["sms_otp"]}
    ok(api("PUT", f"{ORGANIZATIONS}/{person.organization_id}", restriction))
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 400, "operation_restricted_by_organization_mfa_methods")


def test_who_owns_another_factor_shows_it_before_a_totp_is_created(api):
    """Contract 1.1, rule 3: a stolen password alone must not enrol the thief's phone."""
    person = make_person(api, totp=False)
    Member.objects.filter(email=person.email).update(mfa_phone_verified=True, mfa_phone_number="+15005550006")
    refused(create(api, person), 401, "insufficient_factors")
    token = intermediate(api, person)
    refused(create(api, person, intermediate_session_token=token), 401, "insufficient_factors")


@pytest.mark.parametrize("credential", ["intermediate_session_token", "session_token", "session_jwt"])
def test_a_credential_of_somebody_else_is_refused(api, credential):
    tenant = make_organization(api, mfa_policy="REQUIRED_FOR_ALL")["organization_id"]
    person, colleague, stranger = make_person(api, tenant), make_person(api, tenant), make_person(api)
    fresh = make_person(api, tenant, totp=False)
    for other in (colleague, stranger):
        session = complete(api, other)
        given = {credential: session.get(credential) or intermediate(api, other)}
        foreign = credential == "intermediate_session_token" and other is stranger
        mismatch = "member_session_member_id_mismatch"
        error_type = "invalid_intermediate_session_token_for_organization" if foreign else mismatch
        refused(create(api, fresh, **given), 400, error_type)
        refused(authenticate(api, person, code_of(person.secret), **given), 400, error_type)
        refused(recover(api, person, person.codes[0], **given), 400, error_type)


def test_two_credentials_are_too_many(api, world):
    given = {
        "session_token": world.values["session_token"],
        "session_jwt": world.values["session_jwt"],
        "intermediate_session_token": world.values["ist"],
    }
    for size in (2, 3):
        for names in itertools.combinations(given, size):
            some = {name: given[name] for name in names}
            for answer in (
                create(api, world.fresh, **some),
                authenticate(api, world.person, world.values["code"], **some),
                recover(api, world.person, world.person.codes[0], **some),
            ):
                refused(answer, 400, "too_many_session_arguments")


def test_the_totp_calls_name_whom_they_do_not_find(api, world):
    person = world.person
    nowhere = {"organization_id": unknown("organization"), "member_id": person.member_id}
    nobody = {"organization_id": person.organization_id, "member_id": unknown("member")}
    for route in ROUTES:
        if route.body and {"organization_id", "member_id"} <= set(route.body):
            for ids, error_type in ((nowhere, "organization_not_found"), (nobody, "member_not_found")):
                answer = send(api, route, {**world.values, **ids, "fresh_id": ids["member_id"]})
                refused(answer, 404, error_type)


# EN-03


def _spellings(secret):
    raw = base64.b32decode(secret)
    return (secret, secret.lower(), raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())


def test_en03_a_secret_is_told_once_and_by_no_later_answer(api, clock):
    """Every route, pending and active, with every credential that there is: the secret is in none of the answers."""
    person = make_person(api, totp=False)
    colleague = make_person(api, person.organization_id)
    made = ok(create(api, person))
    secret, qr_code = made["secret"], made["qr_code"]
    found, crawled = [], 0

    def crawl(values):
        nonlocal crawled
        for route in (*ROUTES, *SDK_ROUTES):
            with undone():
                answer = send(api, route, values)
            crawled += 1
            text = answer.content.decode()
            if qr_code in text or any(spelling in text for spelling in _spellings(secret)):
                found.append(route.name)

    values = {
        **make_world(api).values,
        **dict.fromkeys(("fresh_id", "gone_id"), person.member_id),
        **person.ids,
        "email": person.email,
        "session_token": "x" * 44,
        "ist": intermediate(api, person),
        "discovery_ist": ok(discover(api, person))["intermediate_session_token"],
        "code": "000000",
        "recovery_code": made["recovery_codes"][0],
    }
    crawl(values)
    crawl({**values, "fresh_id": colleague.member_id})
    answer = authenticate(api, person, code_of(secret), intermediate_session_token=values["ist"])
    session = ok(answer)["session_token"]
    clock.advance(30)
    crawl({**values, "session_token": session, "ist": intermediate(api, person), "code": code_of(secret)})
    for _ in range(3):
        refused(create(api, person), 400, "active_totp_exists")
    assert not found
    assert crawled == 3 * len((*ROUTES, *SDK_ROUTES))


def test_en03_a_repeated_create_tells_another_secret(api):
    person = make_person(api, totp=False)
    answers = [create(api, person) for _ in range(5)]
    secrets = [ok(answer)["secret"] for answer in answers]
    assert len(set(secrets)) == 5
    for number, answer in enumerate(answers):
        others = [secret for position, secret in enumerate(secrets) if position != number]
        assert not any(secret in answer.content.decode() for secret in others)


# TV-06

ARABIC, DEVANAGARI, WIDE, BOLD = 0x0660, 0x0966, 0xFF10, 0x1D7CE
SUPERSCRIPTS, CIRCLED = (
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079",
    "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468",
)


def spelled(code, zero):
    return "".join(chr(zero + int(digit)) for digit in code)


def malformed(code):
    """The right code, spelled so that a lenient reader would take it, and what is no code at all."""
    number, half = int(code), (code[:3], code[3:])
    return [
        *(None, True, False, number, -number, float(number), 1e5, 0, [], [code], [number], {}, {"code": code}),
        *("", " ", f" {code}", f"{code} ", f"\t{code}", f"{code}\n", f"\n{code}", f"{code}\r\n", f"{code}\x0b"),
        *(" ".join(half), "-".join(half), ".".join(half), "_".join(half), "\u00a0".join(half), ",".join(half)),
        *(code[:5], f"{code}0", f"0{code}", code * 3, code[:1], f"+{code}", f"-{code}", f"{code}.0", f"{code}e0"),
        *(hex(number), oct(number), f"0x{code}", f"#{code}", f"'{code}'", f'"{code}"', f"{code},{code}", "123abc"),
        *(spelled(code, zero) for zero in (ARABIC, DEVANAGARI, WIDE, BOLD, 0x06F0, 0x09E6, 0x1D7D8, 0x1FBF0)),
        *("".join(digits[int(digit)] for digit in code) for digits in (SUPERSCRIPTS, CIRCLED)),
        *(code[:5] + spelled(code[5:], zero) for zero in (ARABIC, WIDE)),
        *(f"{mark}{code}" for mark in "\u200b\u200d\u200e\u202e\u2066\ufeff\u00ad\u2060\u180e"),
        *(f"{code}{mark}" for mark in "\u200b\u0301\ufe0f\u20e3\u0338"),
        *("1" * 10_000, "x" * 10_000, "null", "true", "NaN", "[]", "' OR 1=1", "%31%32%33%34%35%36", "\\u0031"),
    ]


REFUSED_BY_THE_PARSER = [
    *(r'"12345\u0000"', r'"12345\ud800"', r'"\u0000123456"', '"12345\0"', "+12345", "0x1E24", "1_2345", "012345"),
    *("NaN", "Infinity", "1e999", "9" * 400, "'123456'", "\uff11\uff12\uff13\uff14\uff15\uff16", "123 456", ""),
]


@pytest.fixture
def comparisons(monkeypatch):
    """The arguments of every comparison of a code with a secret."""
    made = []
    compare = totp.matching_step

    def counted(*args, **kwargs):
        made.append(args)
        return compare(*args, **kwargs)

    monkeypatch.setattr(totp, "matching_step", counted)
    return made


def budget():
    """All that an attempt could be charged to."""
    return sorted(map(str, Guard.objects.values_list())), sorted(map(str, IntermediateSession.objects.values_list()))


def test_tv06_a_code_that_is_not_a_string_of_six_ascii_digits_is_refused_and_charges_nothing(api, comparisons):
    person = make_person(api)
    token, code = intermediate(api, person), code_of(person.secret)
    values, before = malformed(code), rows()
    charged = budget()
    assert len(values) + len(REFUSED_BY_THE_PARSER) >= 60

    def call(value):
        return authenticate(api, person, value, intermediate_session_token=token)

    assert not not_refused(call, values, 400, "invalid_totp_code")
    assert comparisons == []
    assert budget() == charged
    assert rows() == before
    ok(call(code))
    assert len(comparisons) == 1


def test_tv06_a_code_that_no_json_can_hold_is_refused_and_charges_nothing(api, comparisons):
    person = make_person(api)
    token, before = intermediate(api, person), rows()
    ids = "".join(f'"{name}":"{value}",' for name, value in person.ids.items())
    for raw in REFUSED_BY_THE_PARSER:
        body = f'{{{ids}"intermediate_session_token":"{token}","code":{raw}}}'
        refused(api("POST", f"{TOTP}/authenticate", body), 400, "bad_request")
    for size in (100_000, 1_000_000):
        answer = authenticate(api, person, "1" * size, intermediate_session_token=token)
        refused(answer, 413, "bad_request")
    assert comparisons == []
    assert rows() == before


def test_tv06_a_missing_code_is_refused_and_charges_nothing(api, comparisons):
    person = make_person(api)
    token, before = intermediate(api, person), rows()
    answer = api("POST", f"{TOTP}/authenticate", {**person.ids, "intermediate_session_token": token})
    assert fault(answer, 400) == ""
    assert answer.status_code == 400
    assert comparisons == []
    assert rows() == before


def test_tv06_a_recovery_code_given_as_code_is_named_and_charges_nothing(api, comparisons):
    person = make_person(api)
    token, before = intermediate(api, person), rows()
    own = person.codes[0]
    values = [own, own.upper(), own.replace("-", ""), own.replace("-", " "), f" {own} ", "abcd-efgh-1234", "1" * 12]

    def call(value):
        return authenticate(api, person, value, intermediate_session_token=token)

    assert not not_refused(call, values, 400, "recovery_code_used_as_totp_code")
    assert comparisons == []
    assert rows() == before


# Verification


def test_authenticate_answers_what_the_contract_says_and_nothing_else(api):
    person = make_person(api)
    done = complete(api, person)
    assert set(done) == COMMON | MO | TOK | {"member_session", "organization_id"}
    assert done["organization_id"] == person.organization_id
    assert len(done["session_token"]) == 44
    session = done["member_session"]
    assert [factor["type"] for factor in session["authentication_factors"]] == ["password", "totp"]
    assert session["authentication_factors"][1]["authenticator_app_factor"] == {
        "totp_id": done["member"]["totp_registration_id"]
    }


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_the_code_of_a_neighbouring_step_is_accepted(api, steps):
    person = make_person(api)
    token = intermediate(api, person)
    ok(authenticate(api, person, code_of(person.secret, steps=steps), intermediate_session_token=token))


@pytest.mark.parametrize("steps", [-100, -3, -2, 2, 3, 100])
def test_the_code_of_a_further_step_is_wrong(api, steps):
    person = make_person(api)
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(person.secret, steps=steps), intermediate_session_token=token)
    refused(answer, 401, "unable_to_authenticate_totp")


def test_a_code_is_good_once_and_no_earlier_one_after_it(api):
    person = make_person(api)

    def present(steps):
        token = intermediate(api, person)
        return authenticate(api, person, code_of(person.secret, steps=steps), intermediate_session_token=token)

    ok(present(0))
    for steps in (0, -1, 0):
        refused(present(steps), 401, "totp_code_already_authenticated")
    ok(present(1))
    for steps in (1, 0, -1):
        refused(present(steps), 401, "totp_code_already_authenticated")


def test_an_intermediate_session_makes_one_session(api, clock):
    person = make_person(api)
    token = intermediate(api, person)
    ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=token))
    clock.advance(30)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 404, "intermediate_session_not_found")


def test_an_intermediate_session_survives_failures_up_to_five(api):
    person = make_person(api)
    token, wrong = intermediate(api, person), wrong_code(person.secret)
    for _ in range(5):
        answer = authenticate(api, person, wrong, intermediate_session_token=token)
        refused(answer, 401, "unable_to_authenticate_totp")
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 404, "intermediate_session_not_found")
    other = intermediate(api, person)
    ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=other))


@pytest.mark.parametrize(("seconds", "alive"), [(599, True), (600, False), (86400, False)])
def test_an_intermediate_session_lives_ten_minutes(api, clock, seconds, alive):
    person = make_person(api)
    token = intermediate(api, person)
    clock.advance(seconds)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    if alive:
        ok(answer)
    else:
        refused(answer, 404, "intermediate_session_not_found")


def test_a_code_is_never_a_first_factor(api):
    person = make_person(api)
    before = rows_hash()
    refusal = "action_available_only_once_primary_authentication_is_met"
    refused(authenticate(api, person, code_of(person.secret)), 400, refusal)
    refused(recover(api, person, person.codes[0]), 400, refusal)
    assert rows_hash() == before


def test_there_is_nothing_to_verify_without_a_registration(api):
    person = make_person(api, totp=False)
    token = intermediate(api, person)
    refused(authenticate(api, person, "123456", intermediate_session_token=token), 404, "totp_not_found")


@pytest.mark.parametrize(
    ("policy", "given", "before", "after"),
    [
        ("OPTIONAL", "enroll", False, True),
        ("OPTIONAL", "enroll", True, True),
        ("OPTIONAL", "unenroll", True, False),
        ("OPTIONAL", None, True, True),
        ("OPTIONAL", None, False, False),
        ("REQUIRED_FOR_ALL", "enroll", False, False),
        ("REQUIRED_FOR_ALL", "unenroll", True, True),
    ],
)
def test_set_mfa_enrollment_is_ignored_where_the_organization_decides(api, policy, given, before, after):
    organization = make_organization(api, mfa_policy=policy)
    person = make_person(api, organization["organization_id"], mfa_enrolled=before)
    login = ok(log_in(api, person))
    name = "intermediate_session_token" if login["intermediate_session_token"] else "session_token"
    extra = {"set_mfa_enrollment": given} if given else {}
    done = ok(authenticate(api, person, code_of(person.secret), **{name: login[name]}, **extra))
    assert done["member"]["mfa_enrolled"] is after
    assert show_member(api, person)["mfa_enrolled"] is after


def test_set_default_mfa_makes_totp_the_default(api):
    person = make_person(api)
    Member.objects.filter(email=person.email).update(default_mfa_method="sms_otp")
    assert complete(api, person)["member"]["default_mfa_method"] == "sms_otp"
    assert complete(api, person, set_default_mfa=True)["member"]["default_mfa_method"] == "totp"


def test_a_session_is_stepped_up_and_gets_a_new_token(api, clock):
    """The former token, which may have been planted or stolen before the second factor, is dead (design, 8)."""
    person = make_person(api, make_organization(api)["organization_id"])
    login = ok(log_in(api, person))
    clock.advance(60)
    done = ok(authenticate(api, person, code_of(person.secret), session_token=login["session_token"]))
    old, new = login["member_session"], done["member_session"]
    assert new["member_session_id"] == old["member_session_id"]
    assert (new["started_at"], new["expires_at"]) == (old["started_at"], old["expires_at"])
    assert [factor["type"] for factor in new["authentication_factors"]] == ["password", "totp"]
    assert done["session_token"] != login["session_token"]
    dead = api("POST", f"{SESSIONS}/authenticate", {"session_token": login["session_token"]})
    refused(dead, 404, "session_not_found")
    ok(api("POST", f"{SESSIONS}/authenticate", {"session_token": done["session_token"]}))


def test_the_token_is_kept_where_the_site_wants_it_so(api, configure):
    configure(ROTATE_SESSION_TOKEN=False)
    person = make_person(api, make_organization(api)["organization_id"])
    token = ok(log_in(api, person))["session_token"]
    assert ok(authenticate(api, person, code_of(person.secret), session_token=token))["session_token"] == token


def test_a_second_code_refreshes_the_factor_of_the_session(api, clock):
    person = make_person(api)
    first = complete(api, person)
    second = ok(authenticate(api, person, code_of(person.secret), session_jwt=first["session_jwt"]))
    factors = second["member_session"]["authentication_factors"]
    assert [factor["type"] for factor in factors] == ["password", "totp"]
    before = first["member_session"]["authentication_factors"][1]
    assert factors[1]["created_at"] == before["created_at"]
    assert factors[1]["last_authenticated_at"] > before["last_authenticated_at"]


def test_duration_and_claims_come_with_the_second_factor(api):
    person = make_person(api)
    token = ok(log_in(api, person, session_duration_minutes=5, session_custom_claims={"early": 1}))
    given = {"session_duration_minutes": 90, "session_custom_claims": {"late": 2}}
    token = token["intermediate_session_token"]
    done = ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=token, **given))
    assert done["member_session"]["custom_claims"] == {"late": 2}
    assert done["member_session"]["started_at"] == "2027-01-15T08:00:00Z"
    assert done["member_session"]["expires_at"] == "2027-01-15T09:30:00Z"


def test_a_new_session_lives_an_hour_unless_told_otherwise(api):
    assert complete(api, make_person(api))["member_session"]["expires_at"] == "2027-01-15T09:00:00Z"


def test_ten_wrong_codes_lock_and_a_right_one_is_refused_until_the_lock_ends(api, clock):
    person = make_person(api)
    wrong = wrong_code(person.secret)
    for _ in range(2):
        token = intermediate(api, person)
        for _ in range(5):
            answer = authenticate(api, person, wrong, intermediate_session_token=token)
            refused(answer, 401, "unable_to_authenticate_totp")
    member = show_member(api, person)
    assert member["is_locked"] is True
    assert member["lock_created_at"] == "2027-01-15T08:00:00Z"
    assert member["lock_expires_at"] == "2027-01-15T09:00:00Z"
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 429, "user_lock_limit_reached")
    clock.advance(3600)
    assert show_member(api, person)["is_locked"] is False
    complete(api, person)


# Migration


def test_migrate_answers_what_the_contract_says_and_the_registration_is_active(api):
    person, secret = make_person(api, totp=False), pyotp.random_base32()
    made = ok(migrate(api, person, secret))
    assert set(made) == COMMON | MO | {"totp_registration_id", "recovery_codes"}
    assert len(made["recovery_codes"]) == 10
    assert made["member"]["totp_registration_id"] == made["totp_registration_id"]
    assert made["member"]["default_mfa_method"] == "totp"
    assert secret.encode() not in api("GET", f"{ORGANIZATIONS}/{person.organization_id}").content
    token = intermediate(api, person)
    ok(authenticate(api, person, code_of(secret), intermediate_session_token=token))


def test_migrate_keeps_the_codes_that_are_given(api):
    person, given = make_person(api, totp=False), ["abcd-efgh-ijk1", "mnop-qrst-uvw2"]
    assert ok(migrate(api, person, pyotp.random_base32(), given))["recovery_codes"] == given
    token = intermediate(api, person)
    assert ok(recover(api, person, given[0], intermediate_session_token=token))["recovery_codes_remaining"] == 1


def test_migrate_replaces_a_pending_registration(api):
    person, secret = make_person(api, totp=False), pyotp.random_base32()
    pending = ok(create(api, person))
    ok(migrate(api, person, secret))
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(pending["secret"]), intermediate_session_token=token)
    refused(answer, 401, "unable_to_authenticate_totp")


def test_migrate_takes_base32_of_128_bits_or_more_and_nothing_else(api):
    person, good = make_person(api, totp=False), pyotp.random_base32()
    bad = [
        *(
            "",
            " ",
            "x",
            "A" * 8,
            "A" * 25,
            good.lower(),
            f" {good}",
            f"{good} ",
            f"{good}\n",
            good[:16] + " " + good[16:],
        ),
        *(f"{good}=", "0" + good[1:], "1" + good[1:], "8" + good[1:], "=" * 32, good[:-1] + "\uff21", "A" * 4000),
        *(None, 5, True, [], {}, [good], "A" * 25 + "B"),
    ]
    before = rows_hash()
    assert not not_refused(lambda secret: migrate(api, person, secret), bad, 400, "bad_request")
    assert rows_hash() == before
    for secret in (good, "A" * 26, "A" * 26 + "=" * 6, pyotp.random_base32(64)):
        with undone():
            ok(migrate(api, person, secret))


def test_migrate_takes_a_list_of_recovery_codes_and_nothing_else(api):
    person = make_person(api, totp=False)

    def call(recovery_codes):
        with undone():
            return api("POST", f"{TOTP}/migrate", {**person.ids, "secret": "A" * 32, "recovery_codes": recovery_codes})

    before = rows_hash()
    assert not not_refused(
        call, [None, True, 0, 5, 1.5, "", "abcd-efgh-ijk1", {}, {"abcd-efgh-ijk1": 1}], 400, "bad_request"
    )
    lists = [
        [None],
        [5],
        [""],
        ["123456"],
        ["abcd-efgh"],
        ["aaaa-aaaa-aaaa"],
        [["abcd-efgh-ijk1"]],
        ["abcd-efgh-ijk1"] * 2,
    ]
    lists += [["abcd-efgh-ijk1", "ABCD EFGH IJK1"], [f"abcd-efgh-{n:04}" for n in range(11)]]
    assert not not_refused(call, lists, 400, "invalid_recovery_code")
    assert rows_hash() == before


# Deletion


def test_delete_takes_the_registration_and_its_codes_and_leaves_the_sessions(api):
    person = make_person(api)
    session = complete(api, person)
    answer = ok(delete(api, person))
    assert set(answer) == COMMON | MO
    assert answer["member"]["totp_registration_id"] == ""
    assert answer["member"]["default_mfa_method"] == ""
    ok(api("POST", f"{SESSIONS}/authenticate", {"session_token": session["session_token"]}))
    codes = api("GET", f"/v1/b2b/recovery_codes/{person.organization_id}/{person.member_id}")
    refused(codes, 404, "recovery_codes_not_found")
    login = ok(log_in(api, person))
    assert login["mfa_required"] == {"member_options": None, "secondary_auth_initiated": None}
    token = login["intermediate_session_token"]
    for answer, status, error_type in (
        (authenticate(api, person, code_of(person.secret), intermediate_session_token=token), 404, "totp_not_found"),
        (
            recover(api, person, person.codes[0], intermediate_session_token=token),
            400,
            "no_active_recovery_code_backed_factor",
        ),
    ):
        refused(answer, status, error_type)
    refused(delete(api, person), 404, "totp_not_found")


def test_after_a_delete_another_totp_can_be_registered_and_the_old_codes_stay_dead(api):
    person = make_person(api)
    ok(delete(api, person))
    renewed = with_totp(api, person)
    token = intermediate(api, person)
    answer = authenticate(api, person, code_of(person.secret), intermediate_session_token=token)
    refused(answer, 401, "unable_to_authenticate_totp")
    answer = recover(api, person, person.codes[0], intermediate_session_token=token)
    refused(answer, 401, "unable_to_authenticate_recovery_code")
    ok(authenticate(api, renewed, code_of(renewed.secret), intermediate_session_token=token))


def test_delete_leaves_mfa_enrolled_as_it_was(api):
    person = make_person(api, make_organization(api)["organization_id"], mfa_enrolled=True)
    assert ok(delete(api, person))["member"]["mfa_enrolled"] is True
    assert ok(log_in(api, person))["member_authenticated"] is False
