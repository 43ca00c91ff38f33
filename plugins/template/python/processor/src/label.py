"""Labels in PNG files: chunks of type `iTXt`, as https://www.w3.org/TR/png-3/#11iTXt has them."""

from struct import pack, unpack_from
from zlib import crc32

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Damaged(Exception):
    """The bytes are no PNG, or not all of one."""


class Unfit(Exception):
    """PNG cannot hold this text."""


def label(png, keyword, text):
    """The same picture with this label and no other of its keyword; without one if `text` is empty."""
    # The schema lets this pass, and PNG does not.
    if "\0" in text:
        raise Unfit("text: must not contain the character U+0000.")
    if not png.startswith(SIGNATURE):
        raise Damaged("This is not a PNG picture.")
    kept = [SIGNATURE]
    at = len(SIGNATURE)
    kind = b""
    while kind != b"IEND":
        # Lengths are the sender's word: nothing is believed.
        if len(png) - at < 12 or len(png) - at - 12 < unpack_from(">I", png, at)[0]:
            raise Damaged("The PNG is damaged: it ends early.")
        end = at + 12 + unpack_from(">I", png, at)[0]
        kind = png[at + 4 : at + 8]
        if (at == len(SIGNATURE)) != (kind == b"IHDR"):
            raise Damaged("The PNG is damaged: its header is not where it belongs.")
        is_label = kind in (b"tEXt", b"zTXt", b"iTXt")
        if not (is_label and png.startswith(keyword.encode() + b"\0", at + 8, end - 4)):
            kept.append(png[at:end])
        if kind == b"IHDR" and text:
            kept.append(new_label(keyword, text))
        at = end
    return b"".join(kept)


def new_label(keyword, text):
    # Not compressed, of no particular language, and the keyword not translated.
    body = b"iTXt" + keyword.encode() + b"\0\0\0\0\0" + text.encode()
    return pack(">I", len(body) - 4) + body + pack(">I", crc32(body))
