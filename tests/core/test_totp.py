import base64
import hashlib
import hmac
import itertools
import math
import re
import warnings
from collections import Counter
from types import SimpleNamespace
from urllib.parse import parse_qsl, unquote, urlsplit

import pyotp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stytch_totp.core import totp

SEED_20 = b"12345678901234567890"
SEED_32 = b"12345678901234567890123456789012"
SEED_64 = b"1234567890123456789012345678901234567890123456789012345678901234"

APPENDIX_D = [
    "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip

APPENDIX_B = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]

SIX_DIGITS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]

#: Found by search: the codes of steps 60,000,000 and 60,000,001 are equal.
TWIN = hashlib.sha256(b"1348379").digest()[:20]
TWIN_STEP = 60_000_000


def base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode()


def secret_of(number: int) -> bytes:
    """Secrets that look random and are the same in every run, so that no code coincides by chance."""
    return hashlib.sha256(b"secret %d" % number).digest()[:20]


def deviation(counts: Counter[str], symbols: str) -> float:
    """How far the counts are from equal, in standard deviations (chi-square by Wilson and Hilferty)."""
    expected = counts.total() / len(symbols)
    square = sum((counts[symbol] - expected) ** 2 / expected for symbol in symbols)
    freedom = len(symbols) - 1
    return ((square / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))


# TV-01: the values of the RFCs


@pytest.mark.parametrize(("counter", "expected"), list(enumerate(APPENDIX_D)))
def test_tv01_rfc4226_appendix_d(counter, expected):
    assert totp.hotp(SEED_20, counter) == expected


@pytest.mark.parametrize(
    ("algorithm", "seed", "at", "expected"),
    [
        (algorithm, seed, row[0], row[column])
        for column, (algorithm, seed) in enumerate(
            [("sha1", SEED_20), ("sha256", SEED_32), ("sha512", SEED_64)], start=1
        )
        for row in APPENDIX_B
    ],
)
def test_tv01_rfc6238_appendix_b(algorithm, seed, at, expected):
    assert totp.hotp(seed, totp.step_at(at), digits=8, algorithm=algorithm) == expected


@pytest.mark.parametrize(("at", "expected"), SIX_DIGITS)
def test_tv01_six_digits_keep_their_leading_zeros(at, expected):
    assert totp.hotp(SEED_20, totp.step_at(at)) == expected


@given(
    secret=st.binary(min_size=16, max_size=64),
    counter=st.integers(0, 2**64 - 1),
    digits=st.sampled_from([6, 7, 8]),
    algorithm=st.sampled_from(["sha1", "sha256", "sha512"]),
)
@example(secret=SEED_20, counter=2**64 - 1, digits=6, algorithm="sha1")
@example(secret=SEED_20, counter=2**32, digits=6, algorithm="sha1")
def test_tv01_agrees_with_pyotp(secret, counter, digits, algorithm):
    oracle = pyotp.HOTP(base32(secret), digits=digits, digest=getattr(hashlib, algorithm))
    assert totp.hotp(secret, counter, digits=digits, algorithm=algorithm) == oracle.at(counter)


@pytest.mark.parametrize("counter", [-1, 2**64])
def test_tv01_a_counter_that_eight_bytes_cannot_hold_is_an_error(counter):
    with pytest.raises(OverflowError):
        totp.hotp(SEED_20, counter)


@pytest.mark.parametrize(
    ("at", "step"),
    [(0, 0), (29.999, 0), (30, 1), (59, 1), (60.0, 2), (1_800_000_000, 60_000_000), (2**40, 2**40 // 30)],
)
def test_the_step_is_the_number_of_whole_periods(at, step):
    assert totp.step_at(at) == step
    assert isinstance(totp.step_at(at), int)


# TV-02: the window


def test_tv02_exactly_the_step_and_its_neighbours_are_accepted():
    mismatches = []
    for number in range(1000):
        secret, step = secret_of(number), 50_000_000 + 7919 * number
        for offset, instant in itertools.product(range(-3, 4), (0, 1, 29)):
            code = pyotp.TOTP(base32(secret)).at((step + offset) * 30)
            found = totp.matching_step(secret, code, at=step * 30 + instant)
            if found != (step + offset if abs(offset) <= 1 else None):
                mismatches.append((number, offset, instant, found))
    assert mismatches == []


@pytest.mark.parametrize(("window", "offsets"), [(0, {0}), (1, {-1, 0, 1}), (2, {-2, -1, 0, 1, 2})])
def test_the_window_is_what_was_asked_for(window, offsets):
    at, step = 1_800_000_000, 60_000_000
    accepted = {
        offset
        for offset in range(-4, 5)
        if totp.matching_step(SEED_20, totp.hotp(SEED_20, step + offset), at=at, window=window) is not None
    }
    assert accepted == offsets


def test_no_step_before_the_epoch_is_tried():
    assert totp.matching_step(SEED_20, totp.hotp(SEED_20, 0), at=0) == 0
    assert totp.matching_step(SEED_20, totp.hotp(SEED_20, 1), at=0) == 1


# TV-06: what a code is

NOT_CODES = [
    # other types
    123456, 123456.0, 1e5, True, False, None, [], ["123456"], ("1", "2", "3", "4", "5", "6"), {}, {"code": "123456"},
    b"123456", bytearray(b"123456"), 0, -123456, float("nan"), 10**400, ...,
    # blanks and punctuation
    " 123456", "123456 ", "123 456", "123-456", "123456\n", "\n123456", "123456\r", "123456\r\n", "123456\t", "12345\v",
    "123456\x00", "12345\x00", "\x00123456", "123.456", "123,456", "'123456'", '"123456"', "123456;", "123\u00a0456",
    "\ufeff123456", "123456\u2028", "123456\u0085", "123\u2009456",
    # lengths
    "", "1", "12345", "1234567", "12345678", "0" * 100_000, "1" * 1_000_000,
    # numbers in other spellings
    "+12345", "-12345", "0x1E24", "1_2345", "12345.", "1e0005", "1E5   ", "0b1010", "12345L", "１23456",
    # digits of other scripts, all six of them
    "１２３４５６", "١٢٣٤٥٦", "۱۲۳۴۵۶", "१२३४५६", "১২৩৪৫৬", "๑๒๓๔๕๖", "𝟏𝟐𝟑𝟒𝟓𝟔", "𝟙𝟚𝟛𝟜𝟝𝟞", "¹²³⁴⁵⁶", "₁₂₃₄₅₆", "①②③④⑤⑥",
    "⓵⓶⓷⓸⓹⓺", "一二三四五六", "Ⅰ23456", "½23456", "12345٦",
    # marks that don't show
    "123456\u200d", "\u200b123456", "\u202e123456", "123\u200e456", "123456\ufe0f", "12345\ud800", "123456\u0301",
    # letters
    "abcdef", "12345a", "OOOOOO", "ckss-2skx-ebow",
]  # fmt: skip


@pytest.mark.parametrize("value", NOT_CODES, ids=lambda value: ascii(value)[:24])
def test_tv06_anything_but_six_ascii_digits_is_no_code(value):
    assert len(NOT_CODES) >= 60
    assert totp.is_code(value) is False


@pytest.mark.parametrize("value", ["000000", "005924", "123456", "999999"])
def test_tv06_six_ascii_digits_are_a_code(value):
    assert totp.is_code(value) is True


@given(st.text())
def test_tv06_no_other_text_is_a_code(text):
    plain = len(text) == 6 and set(text) <= set("0123456789")
    assert totp.is_code(text) is plain


# TV-07: the comparison


@pytest.mark.parametrize(
    "offset_or_code",
    [-1, 0, 1, 7, "000000", "999999", "prefix", "12345", "", "１２３４５６", "1" * 1000],
    ids=str,
)
def test_tv07_all_three_candidates_are_compared_whatever_comes_in(monkeypatch, offset_or_code):
    compared = []

    def counting(left, right):
        compared.append((left, right))
        return hmac.compare_digest(left, right)

    monkeypatch.setattr(totp, "hmac", SimpleNamespace(digest=hmac.digest, compare_digest=counting))
    step = 60_000_000
    if isinstance(offset_or_code, int):
        code = totp.hotp(SEED_20, step + offset_or_code)
    elif offset_or_code == "prefix":
        right = totp.hotp(SEED_20, step - 1)
        code = right[:5] + str((int(right[5]) + 1) % 10)
    else:
        code = offset_or_code
    totp.matching_step(SEED_20, code, at=step * 30)
    candidates = [totp.hotp(SEED_20, number).encode() for number in (step - 1, step, step + 1)]
    assert sorted(left for left, _ in compared) == sorted(candidates)
    assert [right for _, right in compared] == [code.encode()] * 3


# TV-14: one code, two steps


@pytest.mark.parametrize(
    ("at_step", "found"),
    [
        (TWIN_STEP - 1, TWIN_STEP),
        (TWIN_STEP, TWIN_STEP + 1),
        (TWIN_STEP + 1, TWIN_STEP + 1),
        (TWIN_STEP + 2, TWIN_STEP + 1),
    ],
)
def test_tv14_of_two_matching_steps_the_largest_is_taken(at_step, found):
    code = totp.hotp(TWIN, TWIN_STEP)
    assert code == totp.hotp(TWIN, TWIN_STEP + 1)
    assert totp.matching_step(TWIN, code, at=at_step * 30) == found


# EN-01: new secrets


def test_en01_new_secrets_are_160_random_bits_in_base32():
    made = [totp.generate_secret() for _ in range(12_000)]
    assert all(re.fullmatch(r"[A-Z2-7]{32}", secret) for secret in made)
    assert len(set(made)) == len(made)
    assert {len(totp.decode_secret(secret)) for secret in made} == {20}
    counts = Counter("".join(made))
    assert set(counts) == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    # Six standard deviations: a sound generator fails once in a thousand million runs, a biased one always.
    assert abs(deviation(counts, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")) < 6


def test_en01_the_measure_of_bias_sees_a_bias():
    counts = Counter(dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 20_000))
    counts["A"] += 2_000
    assert deviation(counts, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") > 6


# EN-10: secrets from elsewhere

SOUND = base32(SEED_20)  # GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ


@pytest.mark.parametrize("size", range(16, 129))
def test_en10_canonical_base32_of_128_to_1024_bits_is_read_with_and_without_its_padding(size):
    secret = (hashlib.sha512(b"a").digest() * 2)[:size]
    padded = base32(secret)
    assert totp.decode_secret(padded) == totp.decode_secret(padded.rstrip("=")) == secret


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("=", id="padding alone"),
        pytest.param("========", id="eight of padding"),
        pytest.param(base32(b"1234567890"), id="80 bits"),
        pytest.param(base32(b"123456789012345"), id="120 bits"),
        pytest.param(base32(b"x" * 129), id="1032 bits"),
        pytest.param("A" * 1_000_000, id="1 MB"),
        pytest.param("A" * 1_000_000 + "=", id="1 MB, padded"),
        pytest.param("=" * 1_000_000, id="1 MB of padding"),
        pytest.param(SOUND.lower(), id="lower case"),
        pytest.param(SOUND.capitalize(), id="mixed case"),
        pytest.param("0189" * 8, id="digits that base32 has not"),
        pytest.param(SOUND[:-1] + "0", id="a zero"),
        pytest.param(SOUND[:-1] + "1", id="a one"),
        pytest.param(SOUND[:-1] + "8", id="an eight"),
        pytest.param("".join(chr(ord(c) + 0xFEE0) for c in SOUND), id="full width"),
        pytest.param("А" * 32, id="cyrillic"),
        pytest.param("ſ" * 32, id="a letter whose capital is S"),
        pytest.param(" " + SOUND, id="leading blank"),
        pytest.param(SOUND + " ", id="trailing blank"),
        pytest.param(SOUND + "\n", id="trailing newline"),
        pytest.param(SOUND[:16] + " " + SOUND[16:], id="blank inside"),
        pytest.param(SOUND[:16] + "-" + SOUND[16:], id="dash inside"),
        pytest.param(SOUND + "\x00", id="NUL"),
        pytest.param(SOUND[:-1] + "\ud800", id="surrogate"),
        pytest.param(SOUND + "=", id="padding where none belongs"),
        pytest.param(SOUND + "========", id="a whole block of padding"),
        pytest.param(base32(b"x" * 16)[:-1], id="padding short by one"),
        pytest.param(base32(b"x" * 16) + "=", id="padding long by one"),
        pytest.param("=" + base32(b"x" * 16), id="padding in front"),
        pytest.param(SOUND[:8] + "=" + SOUND[8:], id="padding inside"),
        pytest.param("A" * 27, id="a length that no bytes have"),
        pytest.param("A" * 25 + "B" + "=" * 6, id="unused bits set, padded"),
        pytest.param("A" * 25 + "B", id="unused bits set"),
        pytest.param("A" * 31 + "/", id="base64"),
    ],
)  # fmt: skip
def test_en10_any_other_secret_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is ValueError, its words are free
        totp.decode_secret(text)


@given(st.text(alphabet="ABCabc234567=018 ", max_size=60))
def test_en10_a_secret_has_one_spelling_but_for_its_padding(text):
    try:
        secret = totp.decode_secret(text)
    except ValueError:
        return
    assert text in (base32(secret), base32(secret).rstrip("="))


@given(st.binary(min_size=16, max_size=128))
def test_en10_reads_what_was_encoded(secret):
    assert totp.decode_secret(base32(secret)) == secret


# EN-11: the address in the QR code

VISIBLE = st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters=":")
ISSUERS = st.text(VISIBLE, min_size=1, max_size=64).filter(lambda text: text == text.strip())
ACCOUNTS = st.text(VISIBLE, min_size=1, max_size=254)


def parts(uri: str) -> tuple[str, list[tuple[str, str]]]:
    split = urlsplit(uri)
    return unquote(split.path), parse_qsl(split.query, keep_blank_values=True, strict_parsing=True)


def test_en11_the_form_is_the_one_that_was_observed():
    uri = totp.provisioning_uri(
        "BTGNX5RKJRMQWQFRQKTG34JCF6XDRHZS", issuer="Example (Acme & Söhne)", account="ada+otp@example.com"
    )
    assert uri == (
        "otpauth://totp/Example%20%28Acme%20%26%20S%C3%B6hne%29:ada%2Botp%40example.com"
        "?algorithm=SHA1&digits=6&period=30&secret=BTGNX5RKJRMQWQFRQKTG34JCF6XDRHZS"
        "&issuer=Example%20%28Acme%20%26%20S%C3%B6hne%29"
    )


@settings(max_examples=500, deadline=None)
@given(issuer=ISSUERS, account=ACCOUNTS)
@example(issuer="Bank&secret=AAAA", account="a@b.c?secret=AAAA&issuer=Bank#secret=AAAA")
@example(issuer="a/../b", account="//evil.example/?issuer=Bank")
@example(issuer="100%3A%26", account="%00%0A%E2%80%AE")
@example(issuer="+ +", account="a+b c;d=e")
def test_en11_issuer_and_account_arrive_as_they_were_given(issuer, account):
    uri = totp.provisioning_uri(SOUND, issuer=issuer, account=account)
    label, query = parts(uri)
    assert label == f"/{issuer}:{account}"
    assert query == [
        ("algorithm", "SHA1"),
        ("digits", "6"),
        ("period", "30"),
        ("secret", SOUND),
        ("issuer", issuer),
    ]
    assert urlsplit(uri).fragment == ""
    assert uri.isascii()
    read = pyotp.parse_uri(uri)
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer, read.name) == (SOUND, issuer, account)
    assert (read.digits, read.interval, read.digest) == (6, 30, hashlib.sha1)


@pytest.mark.parametrize(
    ("issuer", "account", "read_issuer", "read_account"),
    [
        ("Evil:Bank", "a:b@c.d", "EvilBank", "ab@c.d"),
        ("::Bank::", "a@b.c", "Bank", "a@b.c"),
        ("%3ABank", "%3Aa@b.c", "%3ABank", "%3Aa@b.c"),
        ("  Bank  ", "a@b.c", "Bank", "a@b.c"),
        ("B" * 2000, "a@b.c", "B" * 64, "a@b.c"),
        ("B" * 63 + " " + "C" * 9, "a@b.c", "B" * 63, "a@b.c"),
        ("Bank", "a" * 2000, "Bank", "a" * 254),
        ("ü" * 2000, "é" * 2000, "ü" * 64, "é" * 254),
    ],
)
def test_en11_colons_go_and_long_names_are_cut(issuer, account, read_issuer, read_account):
    label, query = parts(totp.provisioning_uri(SOUND, issuer=issuer, account=account))
    assert label == f"/{read_issuer}:{read_account}"
    assert dict(query)["issuer"] == read_issuer


HIDDEN = [
    *"\x00\t\n\r\x1b\x7f\x85\xad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202d\u202e\u2060\u2066\u2069\ufeff",
    *("\ud800", "\udfff", "\U000e0041"),
]


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
@pytest.mark.parametrize("place", ["issuer", "account"])
def test_en11_characters_that_show_something_else_than_they_are_are_refused(character, place):
    names = {"issuer": "Bank", "account": "ada@example.com"}
    names[place] = names[place][:2] + character + names[place][2:]
    with pytest.raises(ValueError, match="formatting"):
        totp.provisioning_uri(SOUND, **names)
    assert not totp.is_displayable(character)


@pytest.mark.parametrize("name", ["خانه‌ها", "क्‍ष", "👩‍🚀 Space", "\u3000Tokyo", "Zoë’s №1"], ids=ascii)
def test_en11_what_people_write_is_shown(name):
    assert totp.is_displayable(name)
    assert parts(totp.provisioning_uri(SOUND, issuer="Bank", account=name))[0] == f"/Bank:{name}"


def test_en11_a_hidden_character_behind_the_cut_is_refused_too():
    with pytest.raises(ValueError, match="formatting"):
        totp.provisioning_uri(SOUND, issuer="B" * 100 + "\u202e", account="a@b.c")


def test_pyotp_gives_no_warning_for_our_addresses():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pyotp.parse_uri(totp.provisioning_uri(totp.generate_secret(), issuer="Example", account="a@b.c"))


# On a screen


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", ""),
        ("ABC", "ABC"),
        ("ABCD", "ABCD"),
        ("ABCDE", "ABCD E"),
        (SOUND, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"),
    ],
)
def test_a_secret_is_read_in_fours(secret, shown):
    assert totp.grouped(secret) == shown


# The wider window, in which a refused code tells that a clock is off


@pytest.mark.parametrize(("offset", "near"), [(-11, 0), (-10, 1), (-2, 1), (0, 1), (2, 1), (10, 1), (11, 0)])
def test_a_code_is_near_if_it_is_of_ten_steps_either_side(offset, near):
    at, step = 1_800_000_000, 60_000_000
    code = totp.hotp(SEED_20, step + offset)
    found = totp.matching_step(SEED_20, code, at=at, window=totp.CLOCK_WINDOW)
    assert found == (step + offset if near else None)


def test_the_wider_window_is_five_minutes_either_side_and_holds_the_one_that_accepts():
    assert totp.CLOCK_WINDOW * totp.PERIOD == 300
    assert totp.CLOCK_WINDOW > totp.WINDOW == 1
