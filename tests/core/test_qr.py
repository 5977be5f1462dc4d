import base64
import zlib

import cv2
import numpy as np
import pytest

from stytch_totp.core import qr, totp

PREFIX = "data:image/png;base64,"


def png(text: str) -> bytes:
    uri = qr.png_data_uri(text)
    assert uri.startswith(PREFIX)
    return base64.b64decode(uri.removeprefix(PREFIX), validate=True)


def picture(text: str) -> np.ndarray:
    """The grey values, as a decoder of its own reads them."""
    return cv2.imdecode(np.frombuffer(png(text), np.uint8), cv2.IMREAD_UNCHANGED)


def read(pixels: np.ndarray) -> str:
    # Of OpenCV's two detectors the older one misses 3 to 9 % of sound codes, whatever their mask.
    return cv2.QRCodeDetectorAruco().detectAndDecode(pixels)[0]


def address(issuer: str, account: str) -> str:
    return totp.provisioning_uri("BTGNX5RKJRMQWQFRQKTG34JCF6XDRHZS", issuer=issuer, account=account)


TEXTS = [
    "A",
    "otpauth://totp/a:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=a",
    address("Example (Acme)", "ada@example.com"),
    address("Example (Søren & Söhne)", "ada+otp@mail.example.com"),
    address("E" * 64, "a" * 64 + "@" + "b" * 40 + ".example.com"),
    address("Ünïcödé " * 8, "ada@example.com"),
    address("E" * 64, "a" * 254),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{len(text)} characters")
def test_a_decoder_reads_the_text_back(text):
    assert read(picture(text)) == text


def test_the_texts_that_are_read_back_are_of_many_lengths():
    lengths = [len(text) for text in TEXTS]
    assert min(lengths) == 1
    assert sum(length > 300 for length in lengths) >= 2


@pytest.mark.parametrize("number", range(40))
def test_every_secret_can_be_read_back(number):
    secret = totp.generate_secret()
    text = totp.provisioning_uri(secret, issuer=f"Example (Tenant {number})", account=f"{number * 'a'}@example.com")
    assert read(picture(text)) == text


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{len(text)} characters")
def test_the_data_uri_is_a_whole_png_without_a_blank(text):
    uri = qr.png_data_uri(text)
    assert not any(character.isspace() for character in uri)
    raw = png(text)
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    assert [kind for kind, _ in chunks(raw)] == [b"IHDR", b"IDAT", b"IEND"]


def chunks(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks after the signature; each with its length and checksum as they should be, and nothing behind."""
    found, place = [], 8
    while place < len(raw):
        size = int.from_bytes(raw[place : place + 4], "big")
        kind, data = raw[place + 4 : place + 8], raw[place + 8 : place + 8 + size]
        assert int.from_bytes(raw[place + 8 + size : place + 12 + size], "big") == zlib.crc32(kind + data)
        found.append((kind, data))
        place += 12 + size
    return found


def module_size(pixels: np.ndarray) -> int:
    """In pixels: the first dark run is the top of a finder pattern, seven modules wide."""
    row = next(row for row in pixels if (row == 0).any())
    start = int((row == 0).argmax())
    run = int((row[start:] == 255).argmax())
    assert run % 7 == 0
    return run // 7


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{len(text)} characters")
def test_a_quiet_zone_of_four_white_modules_is_on_every_side(text):
    pixels = picture(text)
    height, width = pixels.shape
    module, dark = module_size(pixels), np.argwhere(pixels == 0)
    assert height == width
    assert set(np.unique(pixels)) == {0, 255}
    assert (width // module - 8 - 17) % 4 == 0, "a QR code has 17 + 4 × version modules"
    for axis in (0, 1):
        assert dark[:, axis].min() == 4 * module
        assert dark[:, axis].max() == width - 4 * module - 1


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: f"{len(text)} characters")
def test_each_module_is_a_square_of_one_colour(text):
    pixels = picture(text)
    size = module_size(pixels)
    assert size >= 4
    assert np.array_equal(np.kron(pixels[::size, ::size], np.ones((size, size), np.uint8)), pixels)


@pytest.mark.parametrize("length", [2332, 5000])
def test_a_text_that_no_qr_code_holds_is_a_value_error(length):
    with pytest.raises(ValueError):  # noqa: PT011 - the promise is ValueError, its words are the library's
        qr.png_data_uri("a" * length)


def test_en11_the_longest_ascii_names_fit():
    assert png(address("E" * 2000, "a" * 2000))
