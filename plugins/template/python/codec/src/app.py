"""What the server sees: which formats there are, and how a picture is read and written.

The format itself is in ppm.py. Replace it with yours.
"""

import json

import ppm
from componentize_py_types import Err
from guarded import guarded
from wit_world import exports
from wit_world.exports.codec import Descriptor
from wit_world.imports import host
from wit_world.imports.pixels import Frame, Picture
from wit_world.imports.types import Failure_InvalidImage, Failure_TooLarge, OutputFormat

MEDIA_TYPE = "image/x-portable-pixmap"

NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


# The name that the interface has in wit/plugin.wit.
class Codec(exports.Codec):
    def describe(self):
        return Descriptor(
            name="plugin-name",
            version="0.1.0",
            summary="Reads and writes PPM, with 8 bits a channel.",
            reads=[MEDIA_TYPE],
            writes=[OutputFormat(MEDIA_TYPE, json.dumps(NOTHING))],
        )

    def probe(self, head):
        return MEDIA_TYPE if ppm.is_ppm(head) else None

    # PPM is read at its full size or not at all: a hint that less would do changes nothing.
    @guarded
    def decode(self, file, hint):
        try:
            width, height, end = ppm.header(file)
            limits = host.limits()
            # Before there is memory for the pixels: a header can claim anything.
            if width > limits.max_width or height > limits.max_height or width * height > limits.max_pixels:
                raise Err(
                    Failure_TooLarge(
                        f"The picture has {width} by {height} pixels; {limits.max_width} by "
                        f"{limits.max_height}, and {limits.max_pixels} together, are permitted."
                    )
                )
            rgba = ppm.pixels(file, width * height, end)
        except ppm.Damaged as problem:
            raise Err(Failure_InvalidImage(str(problem)))
        return Picture([Frame(width, height, rgba)], animation=None, color_profile=None)

    @guarded
    def encode(self, input, target):
        frame = input.frames[0]
        file = ppm.file(frame.width, frame.height, frame.rgba)
        # The sandbox would stop a result that is too large; this says it better.
        limit = host.limits().max_output_bytes
        if len(file) > limit:
            raise Err(Failure_TooLarge(f"The result has {len(file)} bytes; {limit} are permitted."))
        return file
