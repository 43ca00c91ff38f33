"""Portable pixmaps, as https://netpbm.sourceforge.net/doc/ppm.html has them: a header of text, then three
bytes a pixel."""

import re

SPACE = rb"[ \t\n\x0b\x0c\r]"
# A number after spaces and comments, at least one space.
NUMBER = re.compile(rb"(?:%b|#[^\n\r]*[\n\r])+([0-9]+)" % SPACE)
LARGE = 1_000_000_000


class Damaged(Exception):
    """The bytes are no PPM, or not all of one."""


def is_ppm(head):
    return re.match(rb"P6" + SPACE, head) is not None


def header(file):
    """Width, height, and where the pixels begin."""
    if not is_ppm(file):
        raise Damaged("This is not a PPM picture.")
    numbers = []
    at = 2
    for _ in range(3):
        found = NUMBER.match(file, at)
        if not found:
            raise Damaged("The PPM is damaged: its header has no three numbers.")
        # Large ones are all the same; Python refuses to read very long ones.
        digits = found[1].lstrip(b"0")
        numbers.append(min(int(digits or b"0"), LARGE) if len(digits) <= 10 else LARGE)
        at = found.end()
    width, height, most = numbers
    if width == 0 or height == 0:
        raise Damaged("The PPM is damaged: it has no pixels.")
    if most != 255:
        raise Damaged(f"This PPM has values up to {most}; only 255 is read.")
    # One space, whatever comes after it.
    if not re.match(SPACE, file[at : at + 1]):
        raise Damaged("The PPM is damaged: its header has no three numbers.")
    return width, height, at + 1


def pixels(file, count, end):
    """So many pixels with full opacity, which PPM doesn't know."""
    # Another picture may follow.
    data = file[end : end + count * 3]
    if len(data) < count * 3:
        raise Damaged("The PPM is damaged: it ends early.")
    rgba = bytearray(b"\xff") * (count * 4)
    for channel in range(3):
        rgba[channel::4] = data[channel::3]
    return bytes(rgba)


def file(width, height, rgba):
    """A file of these pixels. What shines through them is white."""
    alpha = rgba[3::4]
    opaque = alpha.count(255) == len(alpha)
    rgb = bytearray(width * height * 3)
    for channel in range(3):
        values = rgba[channel::4]
        # Slices take a moment, and this seconds for a photo.
        if not opaque:
            values = bytes((v * a + 255 * (255 - a) + 127) // 255 for v, a in zip(values, alpha))
        rgb[channel::3] = values
    return b"P6\n%d %d\n255\n" % (width, height) + rgb
