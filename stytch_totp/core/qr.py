"""A QR code as a PNG data URI, without an imaging library: a black and white PNG is a few lines of format."""

import base64
import struct
import zlib
from collections.abc import Sequence

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

SCALE = 5  # pixels a module
QUIET_ZONE = 4  # modules of white around the code (ISO/IEC 18004)
# Any mask decodes, and trying all eight for the prettiest takes longer than all the rest. Of the eight, readers
# stumble least over this one.
MASK = 4


def png_data_uri(text: str) -> str:
    """``text`` as ``data:image/png;base64,…``, no blank after the comma. Raises ValueError if it is too long."""
    code = QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=MASK)
    code.add_data(text)
    code.make(fit=True)
    return "data:image/png;base64," + base64.b64encode(_png(code.modules)).decode()


def _png(modules: Sequence[Sequence[bool | None]]) -> bytes:
    """One bit a pixel, greyscale: each row of modules is one run of bits, written ``SCALE`` times."""
    width = (len(modules) + 2 * QUIET_ZONE) * SCALE
    margin, padding = "1" * QUIET_ZONE * SCALE, "1" * (-width % 8)
    white = _scanline("1" * width + padding) * QUIET_ZONE * SCALE
    rows = [_scanline(margin + "".join("01"[not dark] * SCALE for dark in row) + margin + padding) for row in modules]
    pixels = white + b"".join(row * SCALE for row in rows) + white
    header = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(pixels)) + _chunk(b"IEND", b"")
    )


def _scanline(bits: str) -> bytes:
    return b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
