"""Makes the pictures beside it anew: `python3 make.py` with Pillow 11 or later, in this folder.

tiny.* is one gradient of 24 by 16 pixels in every format. lying.* is the same file with a header that
claims as many pixels as the format lets it, and no more data than before.
"""

import io
import struct
import zlib

from PIL import Image

WIDTH, HEIGHT = 24, 16
PIXELS = [(x * 10, y * 15, 128) for y in range(HEIGHT) for x in range(WIDTH)]


def gradient():
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    picture.putdata(PIXELS)
    return picture


def encoded(form, **options):
    picture = gradient().quantize(64) if form == "GIF" else gradient()
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def qoi():
    """Every pixel spelt out: the format's longest and simplest way."""
    pixels = b"".join(b"\xfe" + bytes(pixel) for pixel in PIXELS)
    return b"qoif" + struct.pack(">IIBB", WIDTH, HEIGHT, 3, 0) + pixels + b"\0" * 7 + b"\1"


def put(file, at, form, *values):
    return file[:at] + struct.pack(form, *values) + file[at + struct.calcsize(form):]


def lying_png(file):
    file = put(file, 16, ">II", 0x7FFFFFFF, 0x7FFFFFFF)
    return put(file, 29, ">I", zlib.crc32(file[12:29]))


def lying_gif(file):
    # The screen, and the frame in it.
    file = put(file, 6, "<HH", 0xFFFF, 0xFFFF)
    frame = file.index(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    return put(file, frame + 5, "<HH", 0xFFFF, 0xFFFF)


def lying_jpeg(file):
    return put(file, file.index(b"\xff\xc0") + 5, ">HH", 0xFFFF, 0xFFFF)


def lying_webp(file):
    # A lossless picture's size is two times 14 bits, less one, after the signature 0x2f.
    at = file.index(b"VP8L") + 9
    return put(file, at, "<I", struct.unpack_from("<I", file, at)[0] | 0xFFFFFFF)


def lying_tiff(file):
    directory = struct.unpack_from("<I", file, 4)[0]
    for entry in range(struct.unpack_from("<H", file, directory)[0]):
        at = directory + 2 + entry * 12
        tag = struct.unpack_from("<H", file, at)[0]
        if tag in (256, 257):  # ImageWidth, ImageLength, as 32 bits
            file = put(file, at + 2, "<HII", 4, 1, 0x7FFFFFFF)
    return file


FILES = {
    "png": (encoded("PNG"), lying_png),
    "jpg": (encoded("JPEG", quality=90), lying_jpeg),
    "gif": (encoded("GIF"), lying_gif),
    "webp": (encoded("WEBP", lossless=True), lying_webp),
    "bmp": (encoded("BMP"), lambda file: put(file, 18, "<ii", 0x7FFFFFFF, 0x7FFFFFFF)),
    "tiff": (encoded("TIFF"), lying_tiff),
    "qoi": (qoi(), lambda file: put(file, 4, ">II", 0xFFFFFFFF, 0xFFFFFFFF)),
}

for extension, (file, lie) in FILES.items():
    for name, content in (("tiny", file), ("lying", lie(file))):
        with open(f"{name}.{extension}", "wb") as out:
            out.write(content)
