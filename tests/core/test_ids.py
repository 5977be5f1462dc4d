from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stytch_totp.core import ids

ID = UUID("12345678-1234-4234-8234-123456789abc")
KINDS = get_args(ids.Kind)


@given(kind=st.sampled_from(KINDS), value=st.uuids(), environment=st.sampled_from(["test", "live"]))
def test_an_id_is_read_as_it_was_written(kind, value, environment):
    text = ids.format_id(kind, value, environment)
    assert text == f"{kind}-{environment}-{value}"
    assert ids.parse_id(kind, text, environment) == value
    assert ids.looks_like_id(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_an_id_of_one_kind_is_none_of_another(kind, other):
    found = ids.parse_id(other, ids.format_id(kind, ID, "test"), "test")
    assert found == (ID if kind == other else None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "member-test-",
        "member-test",
        f"member-live-{ID}",
        f"{ID}",
        f"-test-{ID}",
        f"member-totp-test-{ID}",
        f"member--test-{ID}",
        f"MEMBER-test-{ID}",
        f"member-TEST-{ID}",
        f"member-test-{str(ID).upper()}",
        f"member-test-{ID.hex}",
        f"member-test-{{{ID}}}",
        f"member-test-urn:uuid:{ID}",
        f"member-test-{ID}\n",
        f"member-test-{ID} ",
        f" member-test-{ID}",
        f"member-test-{ID}\x00",
        f"member-test-{ID}-",
        f"member-test-{ID}0",
        f"member-test-{str(ID)[:-1]}",
        f"member-test-{str(ID)[:-1]}g",
        f"member-test-{str(ID)[:-1]}\uff11",
        f"member-test-{str(ID)[:-1]}\ud800",
        f"member-test-{ID}' OR 1=1 --",
        "member-test-" + "a" * 1_000_000,
    ],
    ids=lambda text: ascii(text)[:48],
)
def test_what_is_not_exactly_an_id_is_none(text):
    assert ids.parse_id("member", text, "test") is None


@pytest.mark.parametrize(
    ("text", "does"),
    [
        (f"member-test-{ID}", True),
        (f"organization-live-{ID}", True),
        (f"user-test-{ID}", True),
        (f"phone-number-test-{ID}", True),
        (f"MEMBER-Live-{str(ID).upper()}", True),
        (f"member-{ID}", False),
        (f"{ID}", False),
        (f"member-prod-{ID}", False),
        (f"member-test-{ID}x", False),
        (f"xx member-test-{ID}", False),
        ("acme", False),
        ("", False),
    ],
)
def test_te03_whatever_is_formed_like_an_id_is_seen(text, does):
    """No slug and no external id may be: it could name somebody else."""
    assert ids.looks_like_id(text) is does


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00Z"),
        (1_640_781_189, "2021-12-29T12:33:09Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (2**31, "2038-01-19T03:14:08Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_are_rfc3339_in_utc(at, text):
    assert ids.timestamp(at) == text


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2021-12-29T12:33:09Z", 1_640_781_189),
        ("2021-12-29T12:33:09+00:00", 1_640_781_189),
        ("2021-12-29T13:33:09+01:00", 1_640_781_189),
        ("2021-12-29T07:03:09-05:30", 1_640_781_189),
        ("2021-12-29T12:33:09.999999Z", 1_640_781_189),
        ("2021-12-29T12:33:09.123Z", 1_640_781_189),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
        ("2021-12-29T12:33:09", None),
        ("2021-12-29", None),
        ("2021-12-29T25:33:09Z", None),
        ("2021-02-29T12:33:09Z", None),
        ("1640781189", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_a_time_is_read_with_its_offset_or_not_at_all(text, at):
    assert ids.parse_timestamp(text) == at


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_near_the_ends_of_the_calendar_breaks_nothing(text):
    assert isinstance(ids.parse_timestamp(text), int)


@given(at=st.integers(0, 253_402_300_799))
def test_a_time_is_read_as_it_was_written(at):
    assert ids.parse_timestamp(ids.timestamp(at)) == at


@pytest.mark.parametrize(
    ("text", "does"),
    [
        (f"public-token-test-{ID}", True),
        (f"public-token-live-{ID}", False),
        (f"project-test-{ID}", False),
        (f"public-token-test-{ID}\n", False),
        ("public-token-test-", False),
        ("", False),
    ],
)
def test_a_public_token_is_one_of_its_environment(text, does):
    assert ids.is_public_token(text, "test") is does
