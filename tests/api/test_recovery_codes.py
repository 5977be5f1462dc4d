"""``/v1/b2b/recovery_codes`` (contract 1.4 to 1.6)."""

import re

import pytest

from stytch_totp.models import AuditEvent
from stytch_totp.models.registration import RecoveryCodeQuerySet
from tests.api.helpers import (
    COMMON,
    RECOVER,
    SESSIONS,
    TOTP,
    authenticate,
    complete,
    fault,
    intermediate,
    log_in,
    make_organization,
    make_person,
    not_refused,
    ok,
    recover,
    refused,
    rows,
    show_member,
)
from tests.factories import code_of

pytestmark = pytest.mark.django_db

MO = {"member_id", "member", "organization"}
ROTATE = "/v1/b2b/recovery_codes/rotate"
NEVER_MADE = "abcd-efgh-ijk1"


def get(api, person):
    return api("GET", f"/v1/b2b/recovery_codes/{person.organization_id}/{person.member_id}")


@pytest.fixture
def lookups(monkeypatch):
    """The arguments of every look-up of a recovery code."""
    made = []
    find = RecoveryCodeQuerySet.find

    def counted(self, *args):
        made.append(args)
        return find(self, *args)

    monkeypatch.setattr(RecoveryCodeQuerySet, "find", counted)
    return made


def malformed(code):
    """A live code, spelled so that a lenient reader would take it, and what is no code at all."""
    groups = code.split("-")
    return [
        *(None, True, False, 0, 123456, 1e5, 12345678901234, [], [code], {}, {"recovery_code": code}),
        *("", " ", "-", "--", "----", "null", "true", "NaN", "[]", "0", "' OR 1=1", "%61" * 4, "\\u0061"),
        *(code[:-1], code + "x", code + "0000", code * 2, code[:9], groups[0], code + "\n", "\n" + code, code + "\t"),
        *(mark.join(groups) for mark in ("_", ".", "\u2013", "\u2010", "\u2212", "\u00a0", "\t", "\n", "/", "+", ":")),
        *(f"{mark}{code}" for mark in "\u200b\u200d\u200e\u202e\u2066\ufeff\u00ad\u2060#"),
        *(f"{code}{mark}" for mark in "\u0301\ufe0f\u20e3\u200b"),
        *(
            "".join(chr(ord(one) + 0xFEE0) for one in code),
            code[:-1] + "\u212a",
            code[:-1] + "\u017f",
            code[:-1] + "\u0131",
        ),
        *(code[:-1] + "\u00e9", code[:-1] + "\uff11", code[:-1] + "\u0661", "\U0001d41a" * 12, "-" * 60 + code),
        *(
            " " * 60 + code,
            "x" * 5000,
            "a" * 13,
            "a" * 11,
            f"'{code}'",
            f'"{code}"',
            f"{code},{code}",
            "123 456",
            "12345",
        ),
        *("1234567", " 123456", "123456 ", "\uff11\uff12\uff13\uff14\uff15\uff16"),
    ]


REFUSED_BY_THE_PARSER = [
    *(r'"abcd-efgh-ijk\u0000"', r'"abcd-efgh-ijk\ud800"', '"abcd\0"', "abcd", "NaN", "1e999", "0x1", "9" * 400, ""),
]


def test_tv06_a_value_that_is_no_recovery_code_is_refused_and_charges_nothing(api, lookups):
    person = make_person(api)
    token, values = intermediate(api, person), malformed(person.codes[0])
    before = rows()
    assert len(values) >= 60

    def call(value):
        return recover(api, person, value, intermediate_session_token=token)

    assert not not_refused(call, values, 400, "invalid_recovery_code")
    assert lookups == []
    assert rows() == before
    ok(call(person.codes[0]))
    assert len(lookups) == 1


def test_tv06_a_recovery_code_that_no_json_can_hold_is_refused_and_charges_nothing(api, lookups):
    person = make_person(api)
    token, before = intermediate(api, person), rows()
    ids = "".join(f'"{name}":"{value}",' for name, value in person.ids.items())
    for raw in REFUSED_BY_THE_PARSER:
        body = f'{{{ids}"intermediate_session_token":"{token}","recovery_code":{raw}}}'
        refused(api("POST", RECOVER, body), 400, "bad_request")
    answer = recover(api, person, "x" * 100_000, intermediate_session_token=token)
    refused(answer, 413, "bad_request")
    missing = api("POST", RECOVER, {**person.ids, "intermediate_session_token": token})
    assert fault(missing, 400) == ""
    assert missing.status_code == 400
    assert lookups == []
    assert rows() == before


def test_tv06_a_totp_code_given_as_recovery_code_is_named_and_charges_nothing(api, lookups):
    person = make_person(api)
    token, before = intermediate(api, person), rows()

    def call(value):
        return recover(api, person, value, intermediate_session_token=token)

    assert not not_refused(call, [code_of(person.secret), "000000", "999999"], 400, "totp_code_used_as_recovery_code")
    assert lookups == []
    assert rows() == before


@pytest.mark.parametrize(
    "respelled",
    [
        str.upper,
        str.title,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f"  {code} ",
        lambda code: "-".join(code.replace("-", "")),
        lambda code: code.replace("-", "--").swapcase(),
    ],
    ids=["upper", "title", "bare", "blanks", "around", "many dashes", "all of it"],
)
def test_rc09_a_code_is_met_half_way_and_no_two_spellings_of_it_both_succeed(api, respelled):
    person = make_person(api)
    code = person.codes[3]
    assert ok(recover(api, person, respelled(code), intermediate_session_token=intermediate(api, person)))
    for again in (code, respelled(code), code.upper()):
        token = intermediate(api, person)
        answer = recover(api, person, again, intermediate_session_token=token)
        refused(answer, 401, "unable_to_authenticate_recovery_code")


# Recover


def test_recover_answers_what_the_contract_says_and_nothing_else(api):
    person = make_person(api)
    done = ok(recover(api, person, person.codes[0], intermediate_session_token=intermediate(api, person)))
    assert set(done) == COMMON | MO | {"session_token", "session_jwt", "recovery_codes_remaining", "member_session"}
    assert done["recovery_codes_remaining"] == 9
    factors = done["member_session"]["authentication_factors"]
    assert [(factor["type"], factor["delivery_method"]) for factor in factors] == [
        ("password", "knowledge"),
        ("recovery_codes", "recovery_code"),
    ]
    identifier = factors[1]["recovery_code_factor"]["totp_recovery_code_id"]
    assert re.fullmatch(r"recovery-code-test-[0-9a-f-]{36}", identifier)


def test_a_recovered_login_leaves_the_totp_as_it_was(api):
    person = make_person(api)
    before = show_member(api, person)["totp_registration_id"]
    done = ok(recover(api, person, person.codes[0], intermediate_session_token=intermediate(api, person)))
    assert done["member"]["totp_registration_id"] == before
    assert complete(api, person)["member"]["totp_registration_id"] == before


def test_each_of_ten_codes_is_good_once(api):
    person = make_person(api)
    for left, code in zip(reversed(range(10)), person.codes, strict=True):
        done = ok(recover(api, person, code, intermediate_session_token=intermediate(api, person)))
        assert done["recovery_codes_remaining"] == left
    for code in person.codes[:3]:
        answer = recover(api, person, code, intermediate_session_token=intermediate(api, person))
        refused(answer, 401, "unable_to_authenticate_recovery_code")


def test_recover_adds_its_factor_to_a_session(api):
    person = make_person(api, make_organization(api)["organization_id"])
    login = ok(log_in(api, person))
    given = {"session_token": login["session_token"], "session_duration_minutes": 5, "session_custom_claims": {"a": 1}}
    done = ok(recover(api, person, person.codes[0], **given))["member_session"]
    assert done["member_session_id"] == login["member_session"]["member_session_id"]
    assert [factor["type"] for factor in done["authentication_factors"]] == ["password", "recovery_codes"]
    assert done["expires_at"] == "2027-01-15T08:05:00Z"
    assert done["custom_claims"] == {"a": 1}


def test_recover_consumes_the_intermediate_session(api):
    person = make_person(api)
    token = intermediate(api, person)
    ok(recover(api, person, person.codes[0], intermediate_session_token=token))
    answer = recover(api, person, person.codes[1], intermediate_session_token=token)
    refused(answer, 404, "intermediate_session_not_found")


def test_recover_needs_an_active_totp(api):
    person = make_person(api, totp=False)
    pending = ok(api("POST", TOTP, person.ids))
    token = intermediate(api, person)
    answer = recover(api, person, pending["recovery_codes"][0], intermediate_session_token=token)
    refused(answer, 400, "no_active_recovery_code_backed_factor")


def test_the_codes_of_creation_come_alive_with_the_first_verification(api):
    person = make_person(api, totp=False)
    made = ok(api("POST", TOTP, person.ids))
    token = intermediate(api, person)
    ok(authenticate(api, person, code_of(made["secret"]), intermediate_session_token=token))
    answer = recover(api, person, made["recovery_codes"][0], intermediate_session_token=intermediate(api, person))
    assert ok(answer)["recovery_codes_remaining"] == 9


def test_wrong_recovery_codes_lock_recovery_and_not_the_authenticator(api):
    person = make_person(api)
    for _ in range(2):
        token = intermediate(api, person)
        for _ in range(5):
            answer = recover(api, person, NEVER_MADE, intermediate_session_token=token)
            refused(answer, 401, "unable_to_authenticate_recovery_code")
    token = intermediate(api, person)
    answer = recover(api, person, person.codes[0], intermediate_session_token=token)
    refused(answer, 429, "user_lock_limit_reached")
    assert int(answer.headers["Retry-After"]) == 3600
    ok(authenticate(api, person, code_of(person.secret), intermediate_session_token=token))


# Get


def test_get_answers_the_unused_codes_and_nothing_else(api):
    person = make_person(api)
    answer = ok(get(api, person))
    assert set(answer) == COMMON | MO | {"recovery_codes"}
    assert answer["recovery_codes"] == list(person.codes)
    ok(recover(api, person, person.codes[4], intermediate_session_token=intermediate(api, person)))
    assert ok(get(api, person))["recovery_codes"] == [*person.codes[:4], *person.codes[5:]]


def test_get_answers_an_empty_list_once_all_codes_are_used(api):
    person = make_person(api)
    for code in person.codes:
        ok(recover(api, person, code, intermediate_session_token=intermediate(api, person)))
    assert ok(get(api, person))["recovery_codes"] == []


@pytest.mark.parametrize("pending", [False, True])
def test_get_without_a_live_set_finds_none(api, pending):
    person = make_person(api, totp=False)
    if pending:
        ok(api("POST", TOTP, person.ids))
    refused(get(api, person), 404, "recovery_codes_not_found")


def test_each_showing_is_on_record(api):
    person = make_person(api)
    request_ids = {ok(get(api, person))["request_id"] for _ in range(3)}
    recorded = AuditEvent.objects.filter(tag="member:recovery_codes:shown").values_list("request_id", flat=True)
    assert set(recorded) == request_ids


def test_a_site_may_keep_no_codes_that_can_be_shown(api, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    person = make_person(api)
    refused(get(api, person), 403, "recovery_codes_not_viewable")
    ok(recover(api, person, person.codes[0], intermediate_session_token=intermediate(api, person)))


# Rotate


def test_rotate_answers_ten_new_codes_and_every_former_one_is_dead(api):
    person = make_person(api)
    ok(recover(api, person, person.codes[0], intermediate_session_token=intermediate(api, person)))
    answer = ok(api("POST", ROTATE, person.ids))
    assert set(answer) == COMMON | MO | {"recovery_codes"}
    fresh = answer["recovery_codes"]
    assert len(set(fresh) | set(person.codes)) == 20
    assert ok(get(api, person))["recovery_codes"] == fresh
    token = intermediate(api, person)
    for code in person.codes[:2]:
        refused(
            recover(api, person, code, intermediate_session_token=token), 401, "unable_to_authenticate_recovery_code"
        )
    assert ok(recover(api, person, fresh[0], intermediate_session_token=token))["recovery_codes_remaining"] == 9


@pytest.mark.parametrize("pending", [False, True])
def test_rotate_needs_an_active_totp(api, pending):
    person = make_person(api, totp=False)
    if pending:
        ok(api("POST", TOTP, person.ids))
    refused(api("POST", ROTATE, person.ids), 400, "no_active_recovery_code_backed_factor")


def test_rotate_ends_no_session(api):
    person = make_person(api)
    session = complete(api, person)
    ok(api("POST", ROTATE, person.ids))
    ok(api("POST", f"{SESSIONS}/authenticate", {"session_token": session["session_token"]}))


def test_codes_of_one_person_are_nothing_to_another(api):
    person, other = make_person(api), make_person(api)
    for code in other.codes[:2]:
        answer = recover(api, person, code, intermediate_session_token=intermediate(api, person))
        refused(answer, 401, "unable_to_authenticate_recovery_code")
    assert ok(get(api, other))["recovery_codes"] == list(other.codes)


def test_codes_of_another_form_come_in_only_where_the_site_says_so(api, configure):
    """Contract 1.3: an imported code keeps its form. Stricter by default; the setting follows Stytch."""
    person, given = make_person(api, totp=False), ["a1b2c3d4", "Z9Y8X7W6V5U4T3S2"]
    body = {**person.ids, "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "recovery_codes": given}
    refused(api("POST", f"{TOTP}/migrate", body), 400, "invalid_recovery_code")
    configure(FOREIGN_RECOVERY_CODES=True)
    ok(api("POST", f"{TOTP}/migrate", body))
    for left, code in ((1, given[0]), (0, given[1])):
        done = ok(recover(api, person, code, intermediate_session_token=intermediate(api, person)))
        assert done["recovery_codes_remaining"] == left


def test_a_deleted_member_has_no_codes_to_show(api):
    person = make_person(api)
    ok(api("DELETE", person.member_path))
    refused(get(api, person), 404, "member_not_found")
    refused(api("POST", ROTATE, person.ids), 404, "member_not_found")
