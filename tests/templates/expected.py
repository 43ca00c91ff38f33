"""What a template's plugin should make of a PNG, reckoned in another way than any of them does.

python3 expected.py FILE KEYWORD TEXT    writes to standard output
"""

import struct
import sys
import zlib


def expected(png, keyword, text):
    data = b"\0".join([keyword, b"", b"", b"", b"", text])
    chunk = struct.pack(">I4s", len(data), b"iTXt") + data + struct.pack(">I", zlib.crc32(b"iTXt" + data))
    # Signature and header always have the same length, and the picture that comes has no label.
    return png[:33] + chunk + png[33:]


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        sys.stdout.buffer.write(expected(file.read(), sys.argv[2].encode(), sys.argv[3].encode()))
