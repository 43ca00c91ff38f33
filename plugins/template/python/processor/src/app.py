"""What the server sees: which operations there are, and how one is carried out.

The operation itself is in label.py and knows nothing of Tintype's tasks. Replace it with yours.
"""

import json

from componentize_py_types import Err
from guarded import guarded
from label import Damaged, Unfit, label
from wit_world import exports
from wit_world.imports import host
from wit_world.imports.types import (
    Descriptor,
    Failure_InvalidImage,
    Failure_InvalidParameters,
    Failure_TooLarge,
    Image,
    Operation,
    OutputFormat,
)

# Checked by the server before a task is accepted, and shown to clients at `GET /plugins`.
PARAMETERS = {
    "type": "object",
    "properties": {
        "keyword": {
            "type": "string",
            "pattern": "^[!-~]+( [!-~]+)*$",
            "maxLength": 79,
            "description": "Which label: Comment unless said otherwise.",
        },
        "text": {
            "type": "string",
            "maxLength": 10000,
            "description": "What it says; without a text the label is taken out.",
        },
    },
    "additionalProperties": False,
}

NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}


# The name that the interface has in wit/plugin.wit.
class Processor(exports.Processor):
    def describe(self):
        return Descriptor(
            name="plugin-name",
            version="0.1.0",
            summary="Writes a label into a PNG, or takes it out.",
            accepts=["image/png"],
            produces=[OutputFormat("image/png", json.dumps(NOTHING))],
            operations=[
                Operation(
                    name="plugin-name",
                    summary="Writes a label into a PNG, or takes it out. The pixels stay as they are.",
                    params_schema=json.dumps(PARAMETERS),
                )
            ],
        )

    @guarded
    def process(self, input, attachments, steps, target):
        try:
            return [Image("image/png", carry_out(input.bytes, steps))]
        except Damaged as problem:
            raise Err(Failure_InvalidImage(str(problem)))
        except Unfit as problem:
            raise Err(Failure_InvalidParameters(str(problem)))


def carry_out(png, steps):
    before = len(png)
    for index, step in enumerate(steps):
        # What the client leaves out is left out here too: defaults are ours.
        given = {param.name: param.value.value for param in step.params}
        png = label(png, given.get("keyword", "Comment"), given.get("text", ""))
        host.progress((index + 1) / len(steps))
    # The sandbox would stop a result that is too large; this says it better.
    limit = host.limits().max_output_bytes
    if len(png) > limit:
        raise Err(Failure_TooLarge(f"The result has {len(png)} bytes; {limit} are permitted."))
    host.log(host.Level.INFO, f"from {before} to {len(png)} bytes")
    return png
