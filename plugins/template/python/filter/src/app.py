"""What the server sees: which operations there are, and how one is carried out.

The operation itself is in sepia.py and knows nothing of Tintype. Replace it with yours.
"""

import json

from guarded import guarded
from sepia import sepia
from wit_world import exports
from wit_world.exports.filter import Descriptor
from wit_world.imports.pixels import Frame
from wit_world.imports.types import Operation

# Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
PARAMETERS = {
    "type": "object",
    "properties": {
        "strength": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "default": 1,
            "description": "From 0, which changes nothing, to 1.",
        },
    },
    "additionalProperties": False,
}


# The name that the interface has in wit/plugin.wit.
class Filter(exports.Filter):
    def describe(self):
        return Descriptor(
            name="plugin-name",
            version="0.1.0",
            summary="Gives pictures the brown of old photographs.",
            operations=[
                Operation(
                    name="plugin-name",
                    summary="Gives a picture the brown of old photographs.",
                    params_schema=json.dumps(PARAMETERS),
                )
            ],
        )

    @guarded
    def apply(self, input, attachments, steps):
        rgba = input.rgba
        for step in steps:
            # What the client leaves out is left out here too: defaults are ours.
            given = {param.name: param.value.value for param in step.params}
            rgba = sepia(rgba, given.get("strength", 1))
        return Frame(input.width, input.height, rgba)
