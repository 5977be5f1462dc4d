import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from stytch_totp.core import jwt

KID = "jwk-test-33333333-3333-4333-8333-333333333333"
AUDIENCE = "project-test-11111111-1111-4111-8111-111111111111"
OTHER_PROJECT = "project-test-99999999-1111-4111-8111-111111111111"
IAT = 1_800_000_000
KEY, FOREIGN_KEY = jwt.generate_key(2048), jwt.generate_key(2048)
PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
DER = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

HEADER = {"alg": "RS256", "kid": KID, "typ": "JWT"}
CLAIMS = {
    "aud": [AUDIENCE],
    "iss": f"stytch.com/{AUDIENCE}",
    "sub": "member-test-44444444-4444-4444-8444-444444444444",
    "iat": IAT,
    "nbf": IAT,
    "exp": IAT + 300,
    "https://stytch.com/session": {"id": "session-test-55555555-5555-4555-8555-555555555555"},
}
GONE = ...  # a name that is the same in every process: ids of tests are made of it


def verify(token: str, audience: str = AUDIENCE) -> dict[str, Any]:
    return jwt.verify(token, find_key={KID: KEY.public_key()}.get, audience=audience)


def changed(given: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (given | changes).items() if value is not GONE}


def encode(part: Any) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rs256(text: str, key: rsa.RSAPrivateKey = KEY) -> str:
    return encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))


def compact(
    header: Any = HEADER,
    claims: Any = CLAIMS,
    sign: Callable[[str], str] = rs256,
) -> str:
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{sign(text)}"


def with_header(**changes: Any) -> str:
    """A token that is sound and truly signed but for these fields of its header."""
    return compact(changed(HEADER, changes))


def hs256(key: bytes) -> Callable[[str], str]:
    return lambda text: encode(hmac.digest(key, text.encode(), "sha256"))


def signed(text: str) -> str:
    return f"{text}.{rs256(text)}"


def ragged(part: dict[str, Any]) -> bytes:
    """JSON of a length that leaves unused bits at the end of its base64."""
    raw = json.dumps(part).encode()
    return raw + b" " * ((1 - len(raw)) % 3)


def respelt(segment: str) -> str:
    """The same bytes in another spelling: an unused bit at the end is set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = segment[:-1] + alphabet[alphabet.index(segment[-1]) ^ 1]
    pad = "=" * (-len(segment) % 4)
    assert base64.urlsafe_b64decode(other + pad) == base64.urlsafe_b64decode(segment + pad)
    return other


GOOD = compact()
HEAD, BODY, SIGNATURE = GOOD.split(".")
RSA_OF_FOREIGN = dict(zip(("n", "e"), jwt.public_numbers(FOREIGN_KEY.public_key()), strict=True), kty="RSA", kid=KID)
EC_KEY = ec.generate_private_key(ec.SECP256R1())

FORGERIES: dict[str, Any] = {
    # algorithms
    "alg none, no signature": f"{encode(HEADER | {'alg': 'none'})}.{BODY}.",
    "alg none, our signature": with_header(alg="none"),
    "alg none, any signature": compact(HEADER | {"alg": "none"}, sign=lambda _: "AA"),
    "alg NoNe": with_header(alg="NoNe"),
    "alg NONE": with_header(alg="NONE"),
    "alg absent": with_header(alg=GONE),
    "alg null": with_header(alg=None),
    "alg a number": with_header(alg=256),
    "alg a list": with_header(alg=["RS256"]),
    "alg an object": with_header(alg={"RS256": "RS256"}),
    "alg rs256 in small letters": with_header(alg="rs256"),
    "alg with a blank": with_header(alg="RS256 "),
    "HS256 with the public PEM": compact(HEADER | {"alg": "HS256"}, sign=hs256(PEM)),
    "HS256 with the public PEM, stripped": compact(HEADER | {"alg": "HS256"}, sign=hs256(PEM.strip())),
    "HS256 with the public DER": compact(HEADER | {"alg": "HS256"}, sign=hs256(DER)),
    "HS256 with the modulus": compact(
        HEADER | {"alg": "HS256"}, sign=hs256(jwt.public_numbers(KEY.public_key())[0].encode())
    ),
    "HS256 with an empty key": compact(HEADER | {"alg": "HS256"}, sign=hs256(b"")),
    "RS256 said, HS256 done": compact(sign=hs256(PEM)),
    "RS384": compact(
        HEADER | {"alg": "RS384"},
        sign=lambda text: encode(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA384())),
    ),
    "RS512": compact(
        HEADER | {"alg": "RS512"},
        sign=lambda text: encode(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA512())),
    ),
    "PS256": compact(
        HEADER | {"alg": "PS256"},
        sign=lambda text: encode(
            KEY.sign(text.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        ),
    ),
    "RS256 said, RS512 done": compact(
        sign=lambda text: encode(KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA512()))
    ),
    "ES256": compact(
        HEADER | {"alg": "ES256"}, sign=lambda text: encode(EC_KEY.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    ),
    # keys that come with the token
    "wrong key": compact(sign=lambda text: rs256(text, FOREIGN_KEY)),
    "jwk header": compact(HEADER | {"jwk": RSA_OF_FOREIGN}, sign=lambda text: rs256(text, FOREIGN_KEY)),
    "jwk header, our signature": with_header(jwk=RSA_OF_FOREIGN),
    "jku header": with_header(jku="https://evil.example/jwks.json"),
    "x5u header": with_header(x5u="https://evil.example/cert.pem"),
    "x5c header": with_header(x5c=["MIIB"]),
    "x5t header": with_header(x5t="AAAA"),
    # headers that must be understood
    "crit": with_header(crit=["exp"]),
    "crit of b64": with_header(crit=["b64"], b64=True),
    "crit, empty": with_header(crit=[]),
    "b64 false": with_header(b64=False),
    "b64 true": with_header(b64=True),
    "zip": with_header(zip="DEF"),
    "cty": with_header(cty="JWT"),
    # kid
    "kid unknown": with_header(kid="jwk-test-00000000-0000-4000-8000-000000000000"),
    "kid absent": with_header(kid=GONE),
    "kid null": with_header(kid=None),
    "kid empty": with_header(kid=""),
    "kid a path": with_header(kid="../../../../dev/null"),
    "kid SQL": with_header(kid=f"{KID}' OR '1'='1"),
    "kid with NUL": with_header(kid=f"{KID}\x00"),
    "kid in capitals": with_header(kid=KID.upper()),
    "kid with a blank": with_header(kid=f"{KID} "),
    "kid of 10 KB": with_header(kid="k" * 10_000),
    "kid a surrogate": with_header(kid="\ud800"),
    "kid a number": with_header(kid=1),
    "kid a list": with_header(kid=[KID]),
    "kid an object": with_header(kid={"kid": KID}),
    # typ
    "typ absent": with_header(typ=GONE),
    "typ of an access token": with_header(typ="at+jwt"),
    "typ in small letters": with_header(typ="jwt"),
    "typ a list": with_header(typ=["JWT"]),
    # headers that are none
    "header no JSON": compact(b"{alg:RS256}"),
    "header empty": f".{BODY}.{SIGNATURE}",
    "header a list": compact([HEADER]),
    "header a string": compact("RS256"),
    "header null": compact(b"null"),
    "header a number": compact(b"7"),
    "header not UTF-8": compact(b'{"alg":"RS256","kid":"\xff\xfe","typ":"JWT"}'),
    "header nested 3000 deep": compact(b'{"alg":"RS256","kid":' + b"[" * 3000 + b"]" * 3000 + b"}"),
    "header with a number of 5000 digits": compact(b'{"alg":"RS256","kid":' + b"9" * 5000 + b"}"),
    "header with a second alg": compact(b'{"alg":"RS256","kid":"%s","typ":"JWT","alg":"none"}' % KID.encode()),
    # claims that are none
    "claims no JSON": compact(claims=b"claims"),
    "claims a list": compact(claims=[CLAIMS]),
    "claims a string": compact(claims="claims"),
    "claims null": compact(claims=b"null"),
    "claims empty": f"{HEAD}..{SIGNATURE}",
    "claims not UTF-8": compact(claims=b'{"aud":"\xff"}'),
    "claims nested 5000 deep": compact(claims=b"[" * 5000 + b"]" * 5000),
    "claims with a number of 5000 digits": compact(claims=b'{"exp":' + b"9" * 5000 + b"}"),
    # signatures
    "signature stripped": f"{HEAD}.{BODY}.",
    "signature gone": f"{HEAD}.{BODY}",
    "signature cut": GOOD[:-4],
    "signature of zeros": f"{HEAD}.{BODY}.{encode(bytes(256))}",
    "signature of the number one": f"{HEAD}.{BODY}.{encode((1).to_bytes(256, 'big'))}",
    "signature longer by a byte": f"{HEAD}.{BODY}.{encode(bytes(1) + base64.urlsafe_b64decode(SIGNATURE + '=='))}",
    "signature of other claims": f"{HEAD}.{encode(CLAIMS | {'sub': 'member-test-someone-else'})}.{SIGNATURE}",
    "signature of another header": f"{encode(dict(reversed(HEADER.items())))}.{BODY}.{SIGNATURE}",
    "signature twice": f"{GOOD}.{SIGNATURE}",
    "two tokens": f"{GOOD}.{GOOD}",
    "two signatures, as JSON": json.dumps(
        {"payload": BODY, "signatures": [{"protected": HEAD, "signature": SIGNATURE}] * 2}
    ),
    "one signature, as JSON": json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}),
    # spellings
    "trailing dot": f"{GOOD}.",
    "leading dot": f".{GOOD}",
    "five segments": f"{GOOD}.AA.AA",
    "leading blank": f" {GOOD}",
    "trailing blank": f"{GOOD} ",
    "trailing newline": f"{GOOD}\n",
    "blank inside": f"{HEAD}. {BODY}.{SIGNATURE}",
    "newline in the signature": f"{HEAD}.{BODY}.{SIGNATURE[:9]}\n{SIGNATURE[9:]}",
    "trailing NUL": f"{GOOD}\x00",
    "Bearer": f"Bearer {GOOD}",
    "full-width dots": GOOD.replace(".", "\uff0e"),
    "an Arabic digit": GOOD.replace(SIGNATURE[0], "\u0661", 1),
    "a surrogate": f"{GOOD}\ud800",
    "signature padded": f"{GOOD}==",
    "header padded": signed(f"{encode(ragged(HEADER))}==.{BODY}"),
    "claims padded": signed(f"{HEAD}.{encode(ragged(CLAIMS))}=="),
    "signature respelt": f"{HEAD}.{BODY}.{respelt(SIGNATURE)}",
    "header respelt": signed(f"{respelt(encode(ragged(HEADER)))}.{BODY}"),
    "claims respelt": signed(f"{HEAD}.{respelt(encode(ragged(CLAIMS)))}"),
    "plain base64": signed(f"{HEAD}.{encode({**CLAIMS, 'x': '>>>???'}).replace('_', '/').replace('-', '+')}"),
    "empty": "",
    "a dot": ".",
    "two dots": "..",
    "a session token": "A" * 44,
    "1 MB of a letter": "A" * 1_000_000,
    "1 MB of dots": "." * 1_000_000,
    "1 MB of claims, truly signed": compact(claims=CLAIMS | {"x": "x" * 1_000_000}),
    "17 KB of claims, truly signed": compact(claims=CLAIMS | {"x": "x" * 12_500}),
}


def test_a_token_of_ours_is_taken():
    """The forgeries differ from this one in a single thing each."""
    assert verify(GOOD) == CLAIMS
    assert verify(signed(f"{encode(ragged(HEADER))}.{encode(ragged(CLAIMS))}")) == CLAIMS
    assert verify(jwt.mint(CLAIMS, key=KEY, kid=KID)) == CLAIMS
    assert verify(compact(claims=CLAIMS | {"x": "x" * 4096})) == CLAIMS | {"x": "x" * 4096}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES.keys())
def test_se09_a_forged_token_is_invalid_and_nothing_else(token):
    with pytest.raises(jwt.InvalidJWT) as caught:
        verify(token)
    assert type(caught.value) is jwt.InvalidJWT
    assert str(caught.value) == "", "a forger learns nothing"


def test_se09_forgeries_of_every_kind_are_tried():
    assert len(FORGERIES) >= 25


def test_se09_the_key_is_found_by_kid_alone_and_only_for_a_sound_header():
    asked: list[str] = []

    def find_key(kid: str) -> rsa.RSAPublicKey | None:
        asked.append(kid)
        return None

    for token in FORGERIES.values():
        with pytest.raises(jwt.InvalidJWT):
            jwt.verify(token, find_key=find_key, audience=AUDIENCE)
    assert all(type(kid) is str for kid in asked)


def test_se09_every_flipped_bit_of_a_signature_is_seen():
    raw = base64.urlsafe_b64decode(SIGNATURE + "==")
    for place in range(0, len(raw), 5):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << place % 8
        with pytest.raises(jwt.InvalidJWT):
            verify(f"{HEAD}.{BODY}.{encode(bytes(flipped))}")


# SE-10: claims

MUTATIONS: list[dict[str, Any]] = [
    *({name: GONE} for name in ("aud", "iss", "sub", "exp", "iat", "nbf", "https://stytch.com/session")),
    *({name: None} for name in ("aud", "iss", "sub", "exp", "iat", "nbf", "https://stytch.com/session")),
    # times
    *(
        {name: value}
        for name in ("exp", "iat", "nbf")
        for value in (
            str(CLAIMS[name]),
            float(CLAIMS[name]),
            "soon",
            True,
            False,
            [IAT],
            {"at": IAT},
            1e20,
            10**400,
            -1,
        )
    ),
    {"exp": IAT},
    {"exp": IAT - 300},
    {"exp": IAT + 299},
    {"exp": IAT + 301},
    {"exp": IAT + 300 + 86400},
    {"iat": IAT - 1},
    {"iat": IAT + 1},
    {"iat": float(IAT), "exp": float(IAT + 300)},
    {"iat": float(IAT), "nbf": float(IAT), "exp": float(IAT + 300)},
    {"iat": str(IAT), "nbf": str(IAT), "exp": str(IAT + 300)},
    {"iat": -299, "exp": True},
    {"iat": False, "exp": 300},
    {"nbf": IAT + 1},
    {"nbf": IAT + 3600},
    {"nbf": IAT - 3600},
    # aud
    *(
        {"aud": value}
        for value in (
            OTHER_PROJECT,
            [OTHER_PROJECT],
            AUDIENCE[:-1],
            AUDIENCE + "0",
            AUDIENCE.upper(),
            f" {AUDIENCE}",
            "",
            [],
            [""],
            "*",
            ["*"],
            7,
            True,
            {},
            {AUDIENCE: AUDIENCE},
            [[AUDIENCE]],
            [AUDIENCE, 7],
            [None],
            AUDIENCE.replace("test", "live"),
        )
    ),
    # iss
    *(
        {"iss": value}
        for value in (
            f"stytch.com/{OTHER_PROJECT}",
            f"stytch.com/{AUDIENCE}/",
            f"stytch.com/{AUDIENCE}0",
            f"stytch.com/{AUDIENCE[:-1]}",
            f"https://stytch.com/{AUDIENCE}",
            f"STYTCH.COM/{AUDIENCE}",
            f"stytch.com.evil.example/{AUDIENCE}",
            "stytch.com/",
            "stytch.com",
            AUDIENCE,
            "",
            [f"stytch.com/{AUDIENCE}"],
            7,
            True,
            {},
            f"stytch.com/{AUDIENCE.replace('test', 'live')}",
        )
    ),
    # sub and session
    *({"sub": value} for value in (7, True, [], {}, ["member-test-x"])),
    *({"https://stytch.com/session": value} for value in ("session-test-x", [], [{}], 7, True)),
]


@pytest.mark.parametrize("changes", MUTATIONS, ids=lambda changes: ascii(changes).replace(AUDIENCE, "ours")[:70])
def test_se10_a_token_with_a_changed_claim_is_invalid_even_if_we_signed_it(changes):
    with pytest.raises(jwt.InvalidJWT):
        verify(compact(claims=changed(CLAIMS, changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": AUDIENCE},
        {"aud": [AUDIENCE]},
        {"jti": "x"},
        {"https://stytch.com/organization": {"slug": "acme"}},
        {"role": "editor"},
        {"iat": 1_000_000_000, "nbf": 1_000_000_000, "exp": 1_000_000_300},
        {"iat": 4_000_000_000, "nbf": 4_000_000_000, "exp": 4_000_000_300},
    ],
    ids=ascii,
)
def test_se10_what_is_ours_to_say_is_taken_and_its_age_is_the_callers_to_judge(changes):
    """An expired token still names its session (contract 1.9)."""
    assert verify(compact(claims=CLAIMS | changes)) == CLAIMS | changes


def test_se11_a_token_is_good_for_its_own_project_alone():
    projects = [f"project-{env}-0000000{n}-1111-4111-8111-111111111111" for env in ("test", "live") for n in range(3)]
    for issued in projects:
        token = compact(claims=CLAIMS | {"aud": [issued], "iss": f"stytch.com/{issued}"})
        for asked in projects:
            if issued == asked:
                assert verify(token, asked)["aud"] == [issued]
            else:
                with pytest.raises(jwt.InvalidJWT):
                    verify(token, asked)


def test_a_minted_token_has_the_header_and_claims_of_the_contract():
    head, body, _ = jwt.mint(CLAIMS, key=KEY, kid=KID).split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == HEADER
    assert json.loads(base64.urlsafe_b64decode(body + "==")) == CLAIMS


# Keys


@pytest.mark.parametrize("bits", [2048, 3072])
def test_a_key_survives_being_kept(bits):
    key = jwt.generate_key(bits)
    assert key.key_size == bits
    assert jwt.load_private(jwt.private_pem(key)).private_numbers() == key.private_numbers()
    n, e = jwt.public_numbers(key.public_key())
    assert e == "AQAB"
    assert len(base64.urlsafe_b64decode(n + "==")) == bits // 8
    assert jwt.public_key(n, e).public_numbers() == key.public_key().public_numbers()


# Custom claims


@pytest.mark.parametrize(
    ("stored", "new", "merged"),
    [
        ({}, {}, {}),
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({}, {"a": None}, {}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 3, "z": 4}}, {"a": {"x": 3, "y": 2, "z": 4}}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": None}}, {"a": {"y": 2}}),
        ({"a": {"b": {"c": {"d": 1, "e": 2}}}}, {"a": {"b": {"c": {"d": None}}}}, {"a": {"b": {"c": {"e": 2}}}}),
        ({"a": {"x": 1}}, {"a": None}, {}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1, "y": None}}, {"a": {"x": 1}}),
        ({}, {"a": {"x": None, "y": 1}}, {"a": {"y": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({}, {"a": [None, {"x": None}]}, {"a": [None, {"x": None}]}),
        ({"a": 1}, {"a": False, "b": 0, "c": "", "d": [], "e": {}}, {"a": False, "b": 0, "c": "", "d": [], "e": {}}),
        ({}, {"__proto__": {"admin": True}, "constructor": 1}, {"__proto__": {"admin": True}, "constructor": 1}),
    ],
)
def test_custom_claims_merge_and_null_deletes(stored, new, merged):
    before = json.dumps([stored, new])
    assert jwt.merge_claims(stored, new) == merged
    assert json.dumps([stored, new]) == before, "what was given stays as it was"


def test_merging_twice_is_merging_once():
    new = {"a": {"x": None, "y": 1}, "b": None, "c": [1]}
    once = jwt.merge_claims({"a": {"x": 2}, "b": 3}, new)
    assert jwt.merge_claims(once, new) == once


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"])
@pytest.mark.parametrize("value", ["x", 1, None, {}])
def test_se10_a_custom_claim_cannot_take_a_registered_name(name, value):
    with pytest.raises(jwt.ClaimsError) as caught:
        jwt.merge_claims({}, {"role": "editor", name: value})
    assert caught.value.code == "reserved"


@pytest.mark.parametrize("name", ["session", "organization", "", "anything/else"])
@pytest.mark.parametrize("value", [{}, None])
def test_se10_a_custom_claim_cannot_speak_for_us(name, value):
    with pytest.raises(jwt.ClaimsError) as caught:
        jwt.merge_claims({}, {f"https://stytch.com/{name}": value})
    assert caught.value.code == "stytch"


@pytest.mark.parametrize("name", ["ISS", "issuer", "https://stytch.co/session", "http://stytch.com/session", "a.iss"])
def test_a_name_that_only_resembles_a_reserved_one_is_free(name):
    assert jwt.merge_claims({}, {name: 1}) == {name: 1}


def test_a_reserved_name_inside_an_object_is_free():
    assert jwt.merge_claims({}, {"user": {"sub": "x", "exp": 1}}) == {"user": {"sub": "x", "exp": 1}}


@pytest.mark.parametrize("stored", [{}, {"a": "x" * 100}, {"é": {"b": [1, 2]}}])
def test_se10_the_claims_of_a_session_are_4_kb_together(stored):
    used = len(json.dumps(stored | {"new": ""}, separators=(",", ":")))
    full = jwt.merge_claims(stored, {"new": "x" * (4096 - used)})
    assert len(json.dumps(full, separators=(",", ":"))) == 4096
    for excess in (1, 100_000):
        with pytest.raises(jwt.ClaimsError) as caught:
            jwt.merge_claims(stored, {"new": "x" * (4096 - used + excess)})
        assert caught.value.code == "too_large"


def test_what_is_deleted_does_not_count():
    assert jwt.merge_claims({"a": "x" * 4000}, {"a": None, "b": "y" * 4000}) == {"b": "y" * 4000}


def test_a_pem_of_another_kind_of_key_is_no_signing_key():
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(ValueError, match="RSA"):
        jwt.load_private(pem)
