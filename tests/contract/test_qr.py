"""The QR code as an authenticator app reads it, by a decoder that is not ours."""

import base64
from urllib.parse import parse_qs, quote, unquote, urlsplit

import cv2
import numpy as np
import pyotp
import pytest

from tests.contract.driver import SDK_TESTS
from tests.contract.situations import factors, new_organization

pytestmark = SDK_TESTS

PREFIX = "data:image/png;base64,"


def decoded(qr_code: str) -> str:
    """What is written in a QR code, by the detector of OpenCV's two that reads every one.

    The other misses one code in fifty, whatever the mask.
    """
    image = cv2.imdecode(np.frombuffer(base64.b64decode(qr_code.removeprefix(PREFIX)), np.uint8), 0)
    text, corners, _ = cv2.QRCodeDetectorAruco().detectAndDecode(image)
    assert corners is not None
    return text


def create(sdk, new, *, name: str):
    """A member of an organization of this name with a pending registration, and what the creation answered."""
    person = new(new_organization(sdk, organization_name=name))
    return person, sdk.totps.create(**person.ids)


@pytest.mark.parametrize(
    "name",
    ["Acme", "Łódź & Söhne «Café»", "日本語の会社", "a/b?c=d&secret=AAAA#e%20f", "O'Neil + Co; 50% @ home"],
)
def test_en11_the_qr_code_is_the_address_of_the_contract_letter_by_letter(sdk, new, name):
    person, made = create(sdk, new, name=name)
    issuer = quote(f"Example ({name})", safe="")
    account = quote(person.email, safe="")
    assert decoded(made.qr_code) == (
        f"otpauth://totp/{issuer}:{account}?algorithm=SHA1&digits=6&period=30&secret={made.secret}&issuer={issuer}"
    )


def test_an_app_that_scanned_the_code_is_accepted(sdk, new, server_clock):
    person, made = create(sdk, new, name="Łódź & Söhne «Café»")
    app = pyotp.parse_uri(decoded(made.qr_code))
    assert (app.name, app.issuer, app.secret) == (person.email, "Example (Łódź & Söhne «Café»)", made.secret)
    token = person.session().session_token
    done = person.verify(code=app.at(server_clock.now), session_token=token)
    assert factors(done.member_session) == ["password", "totp"]


@pytest.mark.parametrize("name", ["Acme: Sales", ":", "Acme:totp"])
def test_a_colon_in_a_name_does_not_make_a_second_account(sdk, new, name):
    person, made = create(sdk, new, name=name)
    label = unquote(urlsplit(decoded(made.qr_code)).path.lstrip("/"))
    assert label.count(":") == 1
    assert label.endswith(f":{person.email}")


@pytest.mark.parametrize("name", ["x" * 128, "漢" * 128])
def test_the_longest_name_makes_a_code_that_can_be_read_and_has_an_issuer_of_64(sdk, new, name):
    person, made = create(sdk, new, name=name)
    address = urlsplit(decoded(made.qr_code))
    query = parse_qs(address.query)
    assert query["issuer"] == [f"Example ({name}"[:64]]
    assert query["secret"] == [made.secret]
    assert unquote(address.path) == f"/{query['issuer'][0]}:{person.email}"


def test_the_image_is_a_png_with_four_modules_of_white_around_the_code(sdk, new):
    _, made = create(sdk, new, name="Acme")
    raw = base64.b64decode(made.qr_code.removeprefix(PREFIX), validate=True)
    image = cv2.imdecode(np.frombuffer(raw, np.uint8), 0)
    assert image.shape[0] == image.shape[1]
    dark = np.argwhere(image < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    # The finder pattern in the corner is seven modules wide: its first row is one unbroken dark run.
    module = int(np.argmax(image[top, left:] >= 128)) // 7
    margin = min(top, left, image.shape[0] - 1 - bottom, image.shape[1] - 1 - right)
    assert margin >= 4 * module > 0
