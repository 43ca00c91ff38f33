"""A PNG, and the size of one, with nothing but Python's own library.

python3 picture.py make FILE       writes a picture of 64 by 48
python3 picture.py check FILE W H  fails unless FILE is a PNG of that size
"""

import struct
import sys
import zlib


def make(width=64, height=48):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes(value for x in range(width) for value in (x * 4 % 256, y * 5 % 256, 128))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def size(data):
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR" or data[-8:-4] != b"IEND":
        raise AssertionError(f"no PNG: {data[:40]!r}")
    return struct.unpack(">II", data[16:24])


def check(data, width, height):
    assert size(data) == (width, height), f"the size is {size(data)}, not {(width, height)}"


if __name__ == "__main__":
    if sys.argv[1] == "make":
        with open(sys.argv[2], "wb") as file:
            file.write(make())
    else:
        with open(sys.argv[2], "rb") as file:
            check(file.read(), int(sys.argv[3]), int(sys.argv[4]))
