import ast
import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

import stytch_totp
from stytch_totp.core import sealing
from stytch_totp.core.sealing import Key, Keyring, KeyringError, SealError, Tampered, UnknownKey, parse_keyring

MATERIAL = bytes.fromhex("deadbeef000102030405060708090a0b0c0d0e0f101112131415161718191a1b")
OTHER = hashlib.sha256(b"another key").digest()
RING = Keyring((Key("k1", MATERIAL),))
CONTEXT = ("table.column", "organization", "member", "row")
PACKAGE = Path(stytch_totp.__file__).parent


def entry(kid: str, material: bytes) -> str:
    return f"{kid}:{base64.b64encode(material).decode()}"


def hkdf(material: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt and one block of output."""
    extracted = hmac.digest(bytes(32), material, "sha256")
    return hmac.digest(extracted, info + b"\x01", "sha256")


def bound(*parts: str) -> bytes:
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


# CR-01: the construction


def test_cr01_a_sealed_value_is_aes_256_gcm_under_a_derived_key(monkeypatch):
    nonce = bytes(range(12))
    monkeypatch.setattr(sealing.os, "urandom", lambda size: nonce[:size])
    sealed = RING.seal(b"clear", *CONTEXT)

    cipher = Cipher(algorithms.AES(hkdf(MATERIAL, b"stytch_totp|1|enc")), modes.GCM(nonce)).encryptor()
    cipher.authenticate_additional_data(bound("stytch_totp|1", *CONTEXT))
    body = cipher.update(b"clear") + cipher.finalize() + cipher.tag
    assert sealed == b"\x01" + b"\x02" + b"k1" + nonce + body
    # And as it stands in databases: whoever changes the construction must still open this.
    assert sealed.hex() == "01026b31000102030405060708090a0be9f8aa1b58dc8bdf1bd387ffd721abb8e1400d5de9"
    assert RING.open(sealed, *CONTEXT) == b"clear"


def test_cr01_a_digest_is_hmac_sha256_under_a_key_of_its_own():
    expected = hmac.digest(hkdf(MATERIAL, b"stytch_totp|1|index"), bound("stytch_totp|1", *CONTEXT, "code"), "sha256")
    assert RING.digest("code", *CONTEXT) == expected.hex()
    assert hkdf(MATERIAL, b"stytch_totp|1|index") != hkdf(MATERIAL, b"stytch_totp|1|enc")


@given(clear=st.binary(max_size=300), context=st.lists(st.text(max_size=40), max_size=5))
def test_what_was_sealed_opens_in_its_context(clear, context):
    sealed = RING.seal(clear, *context)
    assert RING.open(sealed, *context) == clear
    assert RING.open(memoryview(sealed), *context) == clear
    assert len(sealed) == 2 + len("k1") + 12 + len(clear) + 16


# CR-02: nonces


def test_cr02_no_nonce_is_used_twice():
    nonces = {RING.seal(b"x", *CONTEXT)[4:16] for _ in range(100_000)}
    assert len(nonces) == 100_000


# CR-03: bound to its place


@settings(max_examples=300, deadline=None)
@given(contexts=st.lists(st.lists(st.text(max_size=20), max_size=5).map(tuple), min_size=2, max_size=2, unique=True))
def test_cr03_in_any_other_context_a_value_does_not_open(contexts):
    sealed = RING.seal(b"clear", *contexts[0])
    with pytest.raises(Tampered):
        RING.open(sealed, *contexts[1])


@pytest.mark.parametrize(
    "context",
    [
        (),
        CONTEXT[:3],
        (*CONTEXT, ""),
        ("", *CONTEXT),
        CONTEXT[::-1],
        ("table.colum", "norganization", "member", "row"),
        ("table.column", "organizationmember", "row"),
        ("table.column\x00organization", "member", "row"),
        ("TABLE.COLUMN", "organization", "member", "row"),
        ("table.column", "organization", "member", "row "),
    ],
)
def test_cr03_parts_that_only_look_alike_when_joined_are_told_apart(context):
    with pytest.raises(Tampered):
        RING.open(RING.seal(b"clear", *CONTEXT), *context)


def test_cr03_no_row_opens_the_value_of_another():
    contexts = [(column, "org", f"member{row % 10}", f"row{row}") for row in range(50) for column in ("a", "b")]
    sealed = [RING.seal(b"clear", *context) for context in contexts]
    opened = []
    for place, context in enumerate(contexts):
        for origin, value in enumerate(sealed):
            try:
                RING.open(value, *context)
            except Tampered:
                continue
            opened.append((place, origin))
    assert opened == [(place, place) for place in range(len(contexts))]


TWO = Keyring((Key("k1", MATERIAL), Key("k2", OTHER)))


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_cr03_a_changed_byte_opens_nothing(data):
    sealed = bytearray(TWO.seal(b"a secret of twenty b", *CONTEXT))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealError):
        TWO.open(bytes(sealed), *CONTEXT)


def test_cr03_every_single_flipped_bit_is_seen():
    sealed = TWO.seal(b"clear", *CONTEXT)
    for place in range(len(sealed)):
        for bit in range(8):
            flipped = bytearray(sealed)
            flipped[place] ^= 1 << bit
            with pytest.raises(SealError):
                TWO.open(bytes(flipped), *CONTEXT)


def test_cr03_every_truncation_and_extension_is_seen():
    sealed = TWO.seal(b"clear", *CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(SealError):
            TWO.open(sealed[:length], *CONTEXT)
    for more in (b"\x00", b"x" * 16, sealed):
        with pytest.raises(SealError):
            TWO.open(sealed + more, *CONTEXT)
        with pytest.raises(SealError):
            TWO.open(more + sealed, *CONTEXT)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_cr03_bytes_from_nowhere_open_nothing(raw):
    for value in (raw, b"\x01" + raw, b"\x01\x02k1" + raw):
        with pytest.raises(SealError):
            TWO.open(value, *CONTEXT)


def test_cr03_a_kid_exchanged_for_another_known_one_opens_nothing():
    sealed = TWO.seal(b"clear", *CONTEXT)
    assert sealed[2:4] == b"k1"
    with pytest.raises(Tampered):
        TWO.open(sealed[:2] + b"k2" + sealed[4:], *CONTEXT)


def test_cr03_values_of_one_kind_do_not_open_each_other_by_their_parts():
    """A nonce of one value with the body of another is no third value."""
    one, other = (RING.seal(clear, *CONTEXT) for clear in (b"clear", b"riddle"))
    with pytest.raises(Tampered):
        RING.open(one[:16] + other[16:], *CONTEXT)


# CR-07, CR-14: keys that are not there, values that are not sealed


@pytest.mark.parametrize("ring", [Keyring((Key("k3", MATERIAL),)), Keyring((Key("K1", MATERIAL),))])
def test_cr07_a_value_under_a_key_that_is_gone_is_told_apart_from_a_forged_one(ring):
    with pytest.raises(UnknownKey, match="k1"):
        ring.open(RING.seal(b"clear", *CONTEXT), *CONTEXT)


def test_cr07_a_key_exchanged_under_its_kid_opens_nothing():
    with pytest.raises(Tampered):
        Keyring((Key("k1", OTHER),)).open(RING.seal(b"clear", *CONTEXT), *CONTEXT)


@pytest.mark.parametrize("version", [0, 2, 0x30, 0x41, 0xFF])
def test_cr14_another_version_is_never_opened(version):
    sealed = RING.seal(b"clear", *CONTEXT)
    with pytest.raises(Tampered):
        RING.open(bytes([version]) + sealed[1:], *CONTEXT)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\x01",
        b"\x01\x00",
        b"\x01\x02k1",
        b"\x01\xffk1",
        b"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        b"12345678901234567890",
        b"ckss-2skx-ebow",
        b"gAAAAABh" + b"A" * 92,
        b"\x01GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        b"\x00" * 64,
        b"\x01" * 64,
    ],
)
def test_cr14_a_value_that_was_never_sealed_is_never_taken_for_clear(value):
    with pytest.raises(SealError):
        RING.open(value, *CONTEXT)


# Rotation, CR-09


def test_the_first_key_seals_and_every_key_opens():
    old = RING.seal(b"clear", *CONTEXT)
    rotated = Keyring((Key("k2", OTHER), Key("k1", MATERIAL)))
    assert rotated.open(old, *CONTEXT) == b"clear"
    assert rotated.seal(b"clear", *CONTEXT)[2:4] == b"k2"
    with pytest.raises(UnknownKey):
        RING.open(rotated.seal(b"clear", *CONTEXT), *CONTEXT)


def test_cr09_a_digest_is_the_same_in_its_context_and_another_elsewhere():
    contexts = [(), ("a",), ("a", ""), ("", "a"), ("a", "b"), ("ab",), ("b", "a"), ("a", "c")]
    assert len({RING.digest("code", *context) for context in contexts}) == len(contexts)
    assert RING.digest("code", "a", "b") == RING.digest("code", "a", "b")
    assert RING.digest("code", "a", "b") != RING.digest("bcode", "a", "")
    assert RING.digest("b", "a") != RING.digest("", "a", "b")


def test_cr09_a_rotated_ring_still_finds_by_the_old_digest():
    rotated = Keyring((Key("k2", OTHER), Key("k1", MATERIAL)))
    assert rotated.digests("code", *CONTEXT) == [rotated.digest("code", *CONTEXT), RING.digest("code", *CONTEXT)]
    assert rotated.digest("code", *CONTEXT) != RING.digest("code", *CONTEXT)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in rotated.digests("code", *CONTEXT))


# CR-05: keyrings that can't be used

BAD_KEYRINGS = [
    ("empty", []),
    ("not_text", [123]),
    ("no_colon", [base64.b64encode(MATERIAL).decode()]),
    ("no_kid", [entry("", MATERIAL)]),
    ("bad_kid", [entry("my key", MATERIAL)]),
    ("not_base64", ["k1:not base64 at all!"]),
    ("wrong_length", [entry("k1", MATERIAL[:31])]),
    ("not_random", [entry("k1", b"\x07" * 32)]),
    ("repeated_kid", [entry("k1", MATERIAL), entry("k1", OTHER)]),
    ("repeated_key", [entry("k1", MATERIAL), entry("k2", MATERIAL)]),
    ("forbidden", [entry("k1", hashlib.sha256(b"the site's secret key").digest())]),
]

VARIANTS = [
    ("not_text", [None]),
    ("not_text", [("k1", MATERIAL)]),
    ("not_text", [entry("k1", MATERIAL).encode()]),
    ("no_colon", [""]),
    ("bad_kid", [entry("k" * 65, MATERIAL)]),
    ("bad_kid", [entry("ключ", MATERIAL)]),
    ("bad_kid", [entry("k1\n", MATERIAL)]),
    ("bad_kid", [entry("k/1", MATERIAL)]),
    ("not_base64", ["k1:" + base64.b64encode(MATERIAL).decode().rstrip("=")]),
    ("not_base64", ["k1:" + base64.b64encode(MATERIAL).decode() + "\n"]),
    ("not_base64", ["k1: " + base64.b64encode(MATERIAL).decode()]),
    ("not_base64", ["k1:ключ"]),
    ("not_base64", ["k1:" + base64.urlsafe_b64encode(b"\xff" * 32).decode()]),
    ("wrong_length", ["k1:"]),
    ("wrong_length", [entry("k1", MATERIAL + b"x")]),
    ("wrong_length", [entry("k1", MATERIAL[:16])]),
    ("wrong_length", ["k1:" + MATERIAL.hex()]),
    ("not_random", [entry("k1", bytes(32))]),
    ("not_random", [entry("k1", b"ab" * 16)]),
    ("not_random", [entry("k1", bytes(range(32)))]),
    ("repeated_kid", [entry("k1", MATERIAL), entry("k2", OTHER), entry("k1", hashlib.sha256(b"3").digest())]),
    ("forbidden", [entry("k1", MATERIAL), entry("k2", hashlib.sha256(b"the site's secret key").digest())]),
    ("forbidden", [entry("k1", b"a fallback of fifty characters or so, random or not"[:32])]),
]  # fmt: skip
FORBIDDEN = ("the site's secret key", "a fallback of fifty characters or so, random or not")


@pytest.mark.parametrize(("code", "entries"), BAD_KEYRINGS + VARIANTS)
def test_cr05_a_keyring_that_cannot_be_used_is_refused_by_name(code, entries):
    with pytest.raises(KeyringError) as caught:
        parse_keyring(entries, forbidden=FORBIDDEN)
    assert caught.value.code == code


def test_cr05_each_kind_of_fault_has_a_code_of_its_own():
    assert len({code for code, _ in BAD_KEYRINGS}) == len(BAD_KEYRINGS) == 11


@pytest.mark.parametrize(("code", "entries"), BAD_KEYRINGS + VARIANTS)
def test_cr13_a_refused_keyring_is_not_quoted(code, entries):
    with pytest.raises(KeyringError) as caught:
        parse_keyring(entries, forbidden=FORBIDDEN)
    for one in entries:
        _, _, encoded = str(one).partition(":")
        assert len(encoded) < 8 or encoded not in str(caught.value)


def test_a_made_key_is_taken():
    ring = parse_keyring([sealing.generate_key("2026-11"), sealing.generate_key("2026-05")])
    assert [key.kid for key in ring.keys] == ["2026-11", "2026-05"]
    assert [len(key.material) for key in ring.keys] == [32, 32]


@pytest.mark.parametrize("kid", ["k", "2026-11", "A.b_c-d", "k" * 64])
def test_a_kid_is_letters_digits_and_three_marks(kid):
    ring = parse_keyring([entry(kid, MATERIAL)])
    assert ring.open(ring.seal(b"clear"), *()) == b"clear"


# CR-13: what is shown


def test_cr13_a_key_shows_its_kid_and_nothing_else():
    ring = parse_keyring([entry("k1", MATERIAL)])
    _ = ring.keys[0].cipher, ring.keys[0].index
    for shown in (repr(ring), str(ring), f"{ring}", repr(ring.keys[0]), repr(vars(ring))):
        assert "k1" in shown
        for secret in (MATERIAL, hkdf(MATERIAL, b"stytch_totp|1|enc"), hkdf(MATERIAL, b"stytch_totp|1|index")):
            for spelling in (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode()):
                assert spelling not in shown


# CR-01, CR-11: who may make secrets and ciphers


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text())


def imported(tree: ast.Module) -> set[str]:
    """Everything that is imported, spelt in full."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_cr01_one_module_encrypts():
    encrypting = {
        name for name, tree in modules() if any(re.search(r"ciphers|fernet|Crypto\.", one) for one in imported(tree))
    }
    assert encrypting == {"core/sealing.py"}


def test_cr11_nothing_is_drawn_from_a_generator_that_can_be_predicted():
    drawing = {
        (name, one)
        for name, tree in modules()
        for one in imported(tree)
        if re.fullmatch(r"(random|numpy\.random)(\..*)?|uuid\.uuid[135]|django\.utils\.crypto\..*", one)
    }
    assert drawing == set()


def names_of_uuids(tree: ast.Module) -> Iterator[str]:
    """What each UUID that is made is called: the nearest assignment, keyword or function around it."""
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name not in ("uuid4", "uuid1", "uuid3", "uuid5"):
            continue
        above = parents[node]
        while not isinstance(above, ast.Assign | ast.AnnAssign | ast.FunctionDef):
            above = parents[above]
        if isinstance(above, ast.Assign):
            yield ast.unparse(above.targets[0])
        else:
            yield ast.unparse(above.target) if isinstance(above, ast.AnnAssign) else above.name


def test_cr11_a_uuid_is_an_id_and_never_a_secret():
    made = {(name, called) for name, tree in modules() for called in names_of_uuids(tree)}
    assert made, "the models have UUID keys"
    assert {
        (name, called) for name, called in made if re.search(r"secret|token|code|key|nonce|password", called)
    } == set()
    assert {name for name, _ in made if name.startswith("core/")} == set()
