import math
import re
import string
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stytch_totp.core import codes

FORM = re.compile(r"[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}")
SYMBOLS = string.ascii_lowercase + string.digits


def deviation(counts: Counter[str]) -> float:
    """How far the counts are from equal, in standard deviations (chi-square by Wilson and Hilferty)."""
    expected = counts.total() / len(SYMBOLS)
    square = sum((counts[symbol] - expected) ** 2 / expected for symbol in SYMBOLS)
    freedom = len(SYMBOLS) - 1
    return ((square / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / math.sqrt(2 / (9 * freedom))


# RC-01: new codes


def test_rc01_a_set_is_ten_different_codes_of_62_bits():
    made = [codes.generate_set() for _ in range(3000)]
    assert {len(one) for one in made} == {10}
    assert all(len(set(one)) == 10 for one in made)
    every = [code for one in made for code in one]
    assert len(set(every)) == len(every)
    assert all(FORM.fullmatch(code) for code in every)
    for place in (0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13):
        counts = Counter(code[place] for code in every)
        assert set(counts) <= set(SYMBOLS)
        assert abs(deviation(counts)) < 6, f"character {place} is not evenly distributed"


def test_rc01_a_set_never_holds_a_code_twice(monkeypatch):
    """Were the generator to repeat itself, the set would still be of ten."""
    drawn = iter("a" * 24 + "b" * 12 + "".join(symbol * 12 for symbol in "cdefghijk"))
    monkeypatch.setattr(codes.secrets, "choice", lambda _: next(drawn))
    assert codes.generate_set() == ["-".join([symbol * 4] * 3) for symbol in "abcdefghij"]


def test_rc01_the_order_of_a_set_tells_nothing_of_its_making():
    made = codes.generate_set()
    assert made == sorted(made)


# RC-09: one canonical form

OWN = "ckss-2skx-ebow"


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        "CKSS-2SKX-EBOW",
        "Ckss-2Skx-Ebow",
        "ckss2skxebow",
        "CKSS2SKXEBOW",
        "ckss 2skx ebow",
        " ckss-2skx-ebow ",
        "ckss - 2skx - ebow",
        "c-k-s-s-2-s-k-x-e-b-o-w",
        "--ckss--2skx--ebow--",
        "ckss2 skxe bow",
    ],
)
def test_rc09_blanks_dashes_and_capitals_are_forgiven(text):
    assert codes.canonical(text) == OWN
    assert codes.canonical(text, foreign=True) == OWN


NO_CODES = [
    None, True, 0, 123456789012, 1.5, [], [OWN], {}, {"code": OWN}, b"ckss-2skx-ebow", ..., "", " ", "-",
    "- - -", "123456", "ckss_2skx_ebow", "ckss.2skx.ebow", "ckss/2skx/ebow", "ckss+2skx+ebow",
    "ckss\t2skx\tebow", "ckss-2skx-ebow\n", "\nckss-2skx-ebow", "ckss-2skx-ebow\r\n", "ckss-2skx-ebow\x00",
    "\x00ckss-2skx-ebow", "ckss-2skx-ebo\x00", "'ckss-2skx-ebow'", "ckss-2skx-ebow;",
    "ckss\u20102skx\u2010ebow", "ckss\u20132skx\u2013ebow", "ckss\u00a02skx\u00a0ebow",
    "ckss\u200b2skx\u200bebow", "ckss-2skx-ebow\u200d", "\ufeffckss-2skx-ebow", "\u202eckss-2skx-ebow",
    "ckss-2skx-ebo\ud800", "ｃｋｓｓ-２ｓｋｘ-ｅｂｏｗ", "ckss-２skx-ebow", "ckss-2skx-ebοw", "ckss-2skx-ebоw",
    "c\u212ass-2s\u212ax-ebow", "ckſſ-2ſkx-ebow", "ckss-2skx-ebõw", "ckss-2skx-ebo\u0301", "%63kss-2skx-ebow",
    "ckss-2skx-ebow" + " " * 51, "-" * 53 + "ckss2skxebow", "a" * 1_000_000,
]  # fmt: skip


@pytest.mark.parametrize("value", NO_CODES, ids=lambda value: ascii(value)[:30])
def test_rc09_everything_else_is_no_code(value):
    assert codes.canonical(value) is None
    assert codes.canonical(value, foreign=True) is None


MUTATIONS = st.sampled_from(
    [str.upper, str.title, str.swapcase, lambda text: text.replace("-", " "), lambda text: text.replace("-", "")]
    + [
        lambda text, place=place, mark=mark: text[:place] + mark + text[place:]
        for place in range(15)
        for mark in (" ", "-", "\t", "\n", "\u200b", "\u2010", "_", "x", "\x00")
    ]
    + [lambda text, place=place: text[:place] + text[place + 1 :] for place in range(14)]
    + [lambda text: text.replace("k", "\u212a"), lambda text: text.replace("s", "\u017f")]
)


@given(
    code=st.from_regex(FORM, fullmatch=True),
    mutations=st.lists(MUTATIONS, max_size=4),
)
def test_rc09_a_spelling_is_this_code_or_another_or_none(code, mutations):
    """Two spellings that both pass give one row, so there is no second spelling to succeed with."""
    text = code
    for mutate in mutations:
        text = mutate(text)
    found = codes.canonical(text)
    if found is not None:
        assert FORM.fullmatch(found)
        assert codes.canonical(found) == found
        letters = [character for character in text if character not in " -"]
        assert "".join(letters).translate(
            str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
        ) == found.replace("-", "")


@given(st.text(max_size=80), st.booleans())
def test_rc09_the_canonical_form_is_its_own_canonical_form(text, foreign):
    found = codes.canonical(text, foreign=foreign)
    assert found is None or codes.canonical(found, foreign=foreign) == found


def test_rc09_a_new_code_is_canonical():
    made = codes.generate_set()
    assert [codes.canonical(code) for code in made] == made


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("abcd1234", "abcd1234"),
        ("ABCD-1234", "abcd1234"),
        ("a" * 32, "a" * 32),
        ("0123456789abcdef", "0123456789abcdef"),
        ("abcd1234efgh", "abcd-1234-efgh"),
        ("ckss-2skx", "ckss2skx"),
        ("ckss-2skx-ebo", "ckss2skxebo"),
        ("ckss-2skx-ebowx", "ckss2skxebowx"),
        ("abcd123", None),
        ("a" * 33, None),
        ("abcd_1234", None),
        ("abcd1234!", None),
        ("äbcd1234", None),
    ],
)
def test_rc09_foreign_codes_are_taken_only_where_they_are_asked_for(text, form):
    assert codes.canonical(text, foreign=True) == form
    own = form is not None and len(form) == 14
    assert codes.canonical(text) == (form if own else None)


# RC-14: codes that another provider made


def test_rc14_a_sound_set_is_taken_in_its_canonical_form_and_order():
    given = [code.upper().replace("-", " ") for code in ("zxcv-1234-bnmq", "abcd-efgh-ijkl")]
    assert codes.check_import(given) == ["zxcv-1234-bnmq", "abcd-efgh-ijkl"]
    assert codes.check_import([]) == []
    assert codes.check_import(codes.generate_set())


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(["0000-0000-0000"], id="one character"),
        pytest.param(["abab-abab-abab"], id="two characters"),
        pytest.param(["abca-bcab-cabc"], id="three characters"),
        pytest.param([OWN, OWN], id="repeated"),
        pytest.param([OWN, OWN.upper()], id="repeated in another spelling"),
        pytest.param([OWN, "ckss2skxebow"], id="repeated without dashes"),
        pytest.param([OWN, "abcd-1234"], id="short"),
        pytest.param([OWN, "abcd-1234-efgh-5678"], id="long"),
        pytest.param([OWN, "abcd-1234-efg\x00"], id="NUL"),
        pytest.param([OWN, "abcd-1234-efgé"], id="not ASCII"),
        pytest.param([OWN, ""], id="empty"),
        pytest.param([OWN, None], id="null"),
        pytest.param([OWN, 123456789012], id="a number"),
        pytest.param([OWN, ["abcd-1234-efgh"]], id="a list"),
        pytest.param([OWN, {}], id="an object"),
        pytest.param([None], id="null alone"),
        pytest.param([f"abcd-1234-ef{number:02}" for number in range(11)], id="eleven"),
        pytest.param([OWN, "123456"], id="a TOTP code"),
    ],
)
@pytest.mark.parametrize("foreign", [False, True])
def test_rc14_a_weak_or_malformed_set_is_refused_as_a_whole(given, foreign):
    if foreign and given[-1] in ("abcd-1234", "abcd-1234-efgh-5678"):
        assert codes.check_import(given, foreign=True) == [OWN, given[-1].replace("-", "")]
        return
    with pytest.raises(ValueError, match="recovery code"):
        codes.check_import(given, foreign=foreign)


def test_rc14_foreign_codes_are_held_to_the_same_variety():
    assert codes.check_import(["abcd1234"], foreign=True) == ["abcd1234"]
    with pytest.raises(ValueError, match="guessable"):
        codes.check_import(["aaaabbbb"], foreign=True)
