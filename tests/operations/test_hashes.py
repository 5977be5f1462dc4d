import base64
import hashlib

import argon2
import bcrypt
import pytest

from stytch_totp import errors
from stytch_totp.operations import hashes

PASSWORD = "correct horse battery"
SALT = b"sixteen byte salt"


def b64(raw):
    return base64.b64encode(raw).decode()


def scrypt(n=2**10, r=8, p=1, **changes):
    raw = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=n, r=r, p=p, dklen=32)
    config = {"salt": b64(SALT), "n_parameter": n, "r_parameter": r, "p_parameter": p, "key_length": 32}
    return b64(raw), config | changes


def pbkdf2(algorithm="sha256", rounds=1000, **changes):
    raw = hashlib.pbkdf2_hmac(algorithm, PASSWORD.encode(), SALT, rounds, 32)
    config = {"salt": b64(SALT), "iteration_amount": rounds, "key_length": 32, "algorithm": algorithm}
    return b64(raw), config | changes


def argon2_parts(encoding, kind):
    raw = argon2.low_level.hash_secret_raw(PASSWORD.encode(), SALT, 2, 1024, 2, 32, kind)
    config = {"salt": SALT.decode(), "iteration_amount": 2, "memory": 1024, "threads": 2, "key_length": 32}
    return encoding(raw), config


HASHER = argon2.PasswordHasher(2, 1024, 2)
GOOD = {
    "bcrypt 2b": ("bcrypt", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(), {}),
    "bcrypt 2a": ("bcrypt", bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4, b"2a")).decode(), {}),
    "bcrypt 2y": (
        "bcrypt",
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$"),
        {},
    ),
    "argon2id as a PHC string": ("argon_2id", HASHER.hash(PASSWORD), {}),
    "argon2i as a PHC string": ("argon_2i", argon2.PasswordHasher(2, 1024, 2, type=argon2.Type.I).hash(PASSWORD), {}),
    "argon2id in base64": ("argon_2id", *argon2_parts(b64, argon2.Type.ID)),
    "argon2i in hexadecimal": ("argon_2i", *argon2_parts(bytes.hex, argon2.Type.I)),
    "scrypt": ("scrypt", *scrypt()),
    "pbkdf2 sha256": ("pbkdf_2", *pbkdf2()),
    "pbkdf2 sha512": ("pbkdf_2", *pbkdf2("sha512")),
    "pbkdf2 without a name": ("pbkdf_2", *pbkdf2(algorithm="sha256")[:1], pbkdf2()[1] | {"algorithm": ""}),
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
def test_an_imported_hash_knows_its_password_and_no_other(given):
    kept = hashes.encode(*given)
    assert hashes.is_imported(kept)
    assert hashes.verify(kept, PASSWORD)
    assert not hashes.verify(kept, PASSWORD + " ")
    assert not hashes.verify(kept, "")


def test_a_password_longer_than_bcrypt_reads_is_cut_as_bcrypt_cuts_it():
    long = "é" * 60
    digest = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert hashes.verify(hashes.encode("bcrypt", digest, {}), long)


BAD = {
    "another method": ("md_5", "5f4dcc3b5aa765d61d8327deb882cf99", {}),
    "no method": ("", "x", {}),
    "bcrypt, cut": ("bcrypt", GOOD["bcrypt 2b"][1][:-1], {}),
    "bcrypt, too costly": ("bcrypt", "$2b$31$" + "a" * 53, {}),
    "argon2, another version": ("argon_2id", HASHER.hash(PASSWORD).replace("v=19", "v=16"), {}),
    "argon2, too much memory": ("argon_2id", HASHER.hash(PASSWORD).replace("m=1024", "m=9999999"), {}),
    "argon2, too long": ("argon_2id", HASHER.hash(PASSWORD).replace("m=1024,t=2", "m=1048576,t=99"), {}),
    "argon2, half a config": ("argon_2id", GOOD["argon2id in base64"][1], {"salt": "x" * 16}),
    "argon2, salt of another type": (
        "argon_2id",
        GOOD["argon2id in base64"][1],
        GOOD["argon2id in base64"][2] | {"salt": 5},
    ),
    "scrypt without a config": ("scrypt", scrypt()[0], {}),
    "scrypt, n no power of two": ("scrypt", *scrypt()[:1], scrypt()[1] | {"n_parameter": 1000}),
    "scrypt, n too large": ("scrypt", *scrypt()[:1], scrypt()[1] | {"n_parameter": 2**20}),
    "scrypt, too much memory": ("scrypt", *scrypt()[:1], scrypt()[1] | {"n_parameter": 2**18, "r_parameter": 32}),
    "scrypt, n of another type": ("scrypt", *scrypt()[:1], scrypt()[1] | {"n_parameter": []}),
    "scrypt, salt not base64": ("scrypt", *scrypt()[:1], scrypt()[1] | {"salt": "§"}),
    "pbkdf2, unknown digest": ("pbkdf_2", *pbkdf2()[:1], pbkdf2()[1] | {"algorithm": "md5"}),
    "pbkdf2, too many rounds": ("pbkdf_2", *pbkdf2()[:1], pbkdf2()[1] | {"iteration_amount": 10**9}),
    "pbkdf2, no rounds": ("pbkdf_2", *pbkdf2()[:1], pbkdf2()[1] | {"iteration_amount": 0}),
    "pbkdf2, digest too short": ("pbkdf_2", b64(b"short"), pbkdf2()[1]),
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_a_hash_that_cannot_be_checked_is_refused_when_it_is_given(given):
    with pytest.raises(errors.UnsupportedHash):
        hashes.encode(*given)


def test_an_unsupported_method_is_told_what_is_supported():
    with pytest.raises(errors.UnsupportedHash, match=r"bcrypt, argon_2i, argon_2id, scrypt, pbkdf_2"):
        hashes.encode("phpass", "x", {})
