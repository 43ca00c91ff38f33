"""What the templates' plugins should make of a PNG that `picture.py` made, reckoned in another way than
any of them does.

python3 expected.py label FILE KEYWORD TEXT  writes the PNG with a label to standard output
python3 expected.py ppm FILE                 writes the picture as a PPM to standard output
python3 expected.py sepia FILE RESULT        fails unless RESULT, a BMP, is the picture half in brown
"""

import struct
import sys
import zlib


def label(png, keyword, text):
    data = b"\0".join([keyword, b"", b"", b"", b"", text])
    chunk = struct.pack(">I4s", len(data), b"iTXt") + data + struct.pack(">I", zlib.crc32(b"iTXt" + data))
    # Signature and header always have the same length, and the picture that comes has no label.
    return png[:33] + chunk + png[33:]


def rows_of_png(png):
    """Rows of bytes, three a pixel. There is one chunk of data, and no row is filtered."""
    width, height = struct.unpack(">II", png[16:24])
    start = png.index(b"IDAT") + 4
    data = zlib.decompress(png[start : png.index(b"IEND") - 8])
    assert len(data) == height * (1 + width * 3)
    return [data[at + 1 : at + 1 + width * 3] for at in range(0, len(data), 1 + width * 3)]


def rows_of_bmp(bmp):
    """The same of a BMP of 24 or 32 bits a pixel, which has its rows from the bottom, and blue first."""
    (offset,), (width, height, _, bits) = struct.unpack("<I", bmp[10:14]), struct.unpack("<iiHH", bmp[18:30])
    assert bmp[:2] == b"BM" and height > 0 and bits in (24, 32), bmp[:30]
    size = bits // 8
    line = (width * size + 3) // 4 * 4
    rows = [bmp[offset + at * line :][: width * size] for at in reversed(range(height))]
    return [bytes(v for at in range(0, len(row), size) for v in row[at : at + 3][::-1]) for row in rows]


def half_brown(red, green, blue):
    brown = (
        0.393 * red + 0.769 * green + 0.189 * blue,
        0.349 * red + 0.686 * green + 0.168 * blue,
        0.272 * red + 0.534 * green + 0.131 * blue,
    )
    return [(old + min(255, new)) / 2 for old, new in zip((red, green, blue), brown)]


def check_sepia(png, bmp):
    before, after = rows_of_png(png), rows_of_bmp(bmp)
    assert len(before) == len(after), f"{len(after)} rows"
    for old, new in zip(before, after):
        assert len(old) == len(new), f"{len(new)} bytes in a row"
        for at in range(0, len(old), 3):
            # Twice a part of one is cut off: of the brown, and of the mixture.
            for wanted, is_now in zip(half_brown(*old[at : at + 3]), new[at : at + 3]):
                assert 0 <= wanted - is_now <= 1, f"{is_now} of {old[at : at + 3].hex()}, not {wanted}"


def read(file):
    with open(file, "rb") as opened:
        return opened.read()


if __name__ == "__main__":
    what, png, *more = sys.argv[1:]
    if what == "label":
        sys.stdout.buffer.write(label(read(png), *(word.encode() for word in more)))
    elif what == "ppm":
        rows = rows_of_png(read(png))
        sys.stdout.buffer.write(b"P6\n%d %d\n255\n" % (len(rows[0]) // 3, len(rows)) + b"".join(rows))
    else:
        check_sepia(read(png), read(*more))
