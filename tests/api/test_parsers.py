"""AP-09: JSON is read strictly, on every route that takes a body, before anyone acts on it."""

import gzip
import zlib

import pytest

from tests.api.helpers import ROUTES, fault, fill, ok, rows_hash, undone

pytestmark = pytest.mark.django_db

JSON = "application/json"
STRENGTH = "/v1/b2b/passwords/strength_check"
READING = [route for route in ROUTES if route.method in ("POST", "PUT") and route.fields]
MOST = 16 * 1024

BAD_NUMBERS = [
    *("NaN", "Infinity", "-Infinity", "-NaN", "nan", "inf", "1e999", "-1e999", "1e400", "1.8e308", "1e16"),
    *(str(10**400), str(-(10**400)), str(2**53 + 1), str(-(2**53) - 1), str(2**63), str(2**64), "9" * 5000),
    *("01", "-01", "+1", ".5", "1.", "0x10", "0b1", "1_000", "1e", "1e+", "--1", "1 000", "1,5", "\u0663", "\uff11"),
]
BAD_STRINGS = [
    *(r'"\ud800"', r'"\udfff"', r'"\udc00\ud800"', r'"\ud83d"', r'"x\udbffx"', r'"\u0000"', r'"x\u0000y"'),
    *('"\0"', '"\n"', '"\t"', '"\x1f"', r'"\x41"', r'"\u12"', r'"\uD8ZZ"', r'"\a"', "'x'", '"x', 'x"', "`x`"),
]
BAD_OBJECTS = [
    *('{"a":1,"a":1}', '{"a":1,"a":2}', r'{"a":1,"\u0061":2}', '{"":1,"":1}', '{"a":null,"a":null}'),
    *('{"a":{"b":1,"b":2}}', '{"a":[{"b":1,"b":2}]}', '{"a":1,"b":2,"a":3}', '{"a":{},"a":{}}'),
    *("{", "}", "{a:1}", "{'a':1}", '{"a":1,}', '{"a"}', '{"a":}', '{"a" 1}', "{,}", '{"a":[1,]}', '{"a":[1}'),
    *('{"a":undefined}', '{"a":True}', '{"a":None}', "/**/{}", "//x\n{}", '{"a":1/**/}', ")]}',\n{}"),
    *("{}{}", "{} {}", "{}\n{}", "{},", "{}x", "{}]", "{}}", "{}\0", "{}//", "{};", '{}"', "{}null"),
    *(r'{"\u0000":1}', r'{"\ud800":1}', r'{"a":[{"\udfff":1}]}'),
]
BAD_ROOTS = ["[]", "[{}]", '"x"', '""', "1", "0", "-1", "1.5", "null", "true", "false", '"{}"', "x", "\0", "%7B%7D"]
BAD_BYTES = [
    b"\xef\xbb\xbf{}",
    b'{"a":"\xe9"}',
    b'{"a":"\xff"}',
    b'{"a":"\xc0\x80"}',
    b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xe2\x82"}',
    b'{"a":"\xf8\x88\x80\x80\x80"}',
    b"\x80\x04}\x94.",
    b"\x00\x00\x00\x02{}",
    gzip.compress(b"{}"),
    zlib.compress(b"{}"),
    *('{"a":"\u20ac"}'.encode(code) for code in ("utf-16", "utf-16-le", "utf-16-be")),
    b"+AHsAIgBhACIAOgAxAH0-",
    *('{"a":"\u20ac"}'.encode(code) for code in ("utf-32", "utf-32-le", "utf-32-be", "cp1252", "gb18030")),
    "{}".encode("utf-16"),
    "{}".encode("utf-32"),
]
TOO_DEEP = [
    b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    b'{"a":' * 17 + b"1" + b"}" * 17,
    b'{"a":' + b'[{"b":' * 8 + b"1" + b"}]" * 8 + b"}",
    b"[" * 17 + b"]" * 17,
    b"[" * 5000 + b"]" * 5000,
    b"[" * MOST,
    b'{"a":' * 2000 + b"1" + b"}" * 2000,
    b'{"a":' * 3000,
]
TOO_LARGE = [
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b"{}" + b" " * (MOST - 1),
    b" " * (MOST + 1),
    b'{"a":"' + b"x" * MOST + b'"}',
    b'{"a":' + b"9" * MOST + b"}",
    b'{"a":"' + b"x" * 3_000_000 + b'"}',
]
OTHER_TYPES = [
    "text/plain",
    "text/json",
    "text/html",
    "application/xml",
    "text/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "application/octet-stream",
    "application/jsonx",
    "application/vnd.api+json",
    "application/ld+json",
    "application/json, text/plain",
    "application/*",
    "*/*",
    "json",
    "x",
    "/",
    *(f"application/json; charset={name}" for name in ("utf-16", "utf-7", "utf-32", "latin-1", "none", "cp037")),
    "application/json;charset=ISO-8859-1",
    'application/json; charset="utf-16"',
    "APPLICATION/JSON; CHARSET=UTF-16",
]

CORPUS = [
    *((f'{{"a":{number}}}'.encode(), JSON, 400) for number in BAD_NUMBERS),
    *((f'{{"a":{text}}}'.encode(), JSON, 400) for text in BAD_STRINGS),
    *((text.encode(), JSON, 400) for text in (*BAD_OBJECTS, *BAD_ROOTS)),
    *((body, JSON, 400) for body in (*BAD_BYTES, *TOO_DEEP)),
    *((body, JSON, 413) for body in TOO_LARGE),
    *((b'{"a":1}', declared, 415) for declared in OTHER_TYPES),
    (b"a=1&b=2", "application/x-www-form-urlencoded", 415),
    (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n', "multipart/form-data; boundary=b", 415),
    (b"<a>1</a>", "application/xml", 415),
    (b"a=1&b=2", JSON, 400),
    (b"<a>1</a>", JSON, 400),
    (b"a: 1\n", JSON, 400),
]


def send(api, route, world, data, content_type=JSON, **headers):
    headers = {"Authorization": api.authorization, **headers}
    path = fill(route.path, world.values)
    return api.client.generic(route.method, path, data=data, content_type=content_type, headers=headers)


def test_ap09_no_route_reads_a_body_that_is_not_strict_json(api, world):
    """More than 100 bodies on every route that takes one: 400, 413 or 415 in the envelope, and nothing changed."""
    assert len(CORPUS) >= 100
    before, faults = rows_hash(), []
    for route in READING:
        for body, declared, status in CORPUS:
            answer = send(api, route, world, body, declared)
            wrong = fault(answer, status)
            if wrong or answer.json()["error_type"] != "bad_request":
                faults.append((route.name, body[:40], declared, wrong or answer.json()))
    assert not faults
    assert rows_hash() == before


def test_ap09_compressed_bodies_are_not_unpacked(api, world):
    body = gzip.compress(b'{"password":"' + b"x" * 100 + b'"}')
    answer = api.client.generic(
        "POST",
        STRENGTH,
        data=body,
        content_type=JSON,
        headers={"Authorization": api.authorization, "Content-Encoding": "gzip"},
    )
    assert fault(answer, 400) == ""
    assert answer.status_code == 400


@pytest.mark.parametrize("empty", [b"", b" ", b"\r\n\t "])
def test_ap09_an_empty_body_is_an_empty_object(api, world, empty):
    for route in READING:
        with undone():
            expected = send(api, route, world, b"{}")
        with undone():
            answer = send(api, route, world, empty)
        assert fault(answer) == ""
        assert (answer.status_code, answer.json().get("error_type")) == (
            expected.status_code,
            expected.json().get("error_type"),
        )


@pytest.mark.parametrize("declared", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "x"])
def test_ap09_an_empty_body_of_another_type_does_nothing_that_an_empty_object_would_not(api, world, declared):
    for route in READING:
        with undone():
            answer = send(api, route, world, b"", declared)
        assert fault(answer) == ""


@pytest.mark.parametrize(
    "more",
    [
        b'"n":' + str(2**53).encode(),
        b'"n":-' + str(2**53).encode(),
        b'"n":' + b"[" * 15 + b"]" * 15,
        b'"n":' + b'{"a":' * 15 + b"1" + b"}" * 15,
        b'"n":"' + b"[" * 100 + b'"',
        b'"n":"\\"[[[[[[[[[[[[[[[[[["',
        b'"n":"\\ud83d\\ude00"',
        '"n":"\U0001f600 \u00e9"'.encode(),
        b'"n":{"a":1,"b":{"a":1}}',
        b'"n":[1,1.5,-0,1e3,null,true]',
    ],
)
def test_what_strict_json_admits_is_read(api, world, more):
    route = next(route for route in READING if route.path == STRENGTH)
    ok(send(api, route, world, b'{"password":"x",' + more + b"}"))


def test_ap09_a_body_of_16_kilobytes_is_read_and_one_byte_more_is_not(api, world):
    route = next(route for route in READING if route.path == STRENGTH)
    body = b'{"password":"x"}'
    ok(send(api, route, world, body.ljust(MOST)))
    assert send(api, route, world, body.ljust(MOST + 1)).status_code == 413


@pytest.mark.parametrize(
    "declared",
    [
        "application/json",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "Application/JSON",
        " application/json ; q=1",
    ],
)
def test_every_spelling_of_json_in_utf8_is_read(api, world, declared):
    route = next(route for route in READING if route.path == STRENGTH)
    ok(send(api, route, world, b'{"password":"x"}', declared))
