import unittest
from unittest.mock import patch

from app import Processor
from componentize_py_types import Err
from wit_world.imports import host
from wit_world.imports.types import (
    Failure_InvalidImage,
    Failure_InvalidParameters,
    Failure_TooLarge,
    Image,
    Limits,
    Param,
    Step,
    Value_Text,
)

PLAIN = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)
# The same with the comment "Grüße", as another program wrote it.
LABELLED = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000001369545874436f6d6d656e7400000000004772c3bcc39f654e322135"
    "0000000a4944415478da6368000000820081da45083b0000000049454e44ae426082"
)


def label(picture, *steps):
    steps = [
        Step("plugin-name", [Param(name, Value_Text(text)) for name, text in params.items()])
        for params in steps
    ]
    [image] = Processor().process(Image("image/png", picture), [], steps, None)
    assert image.media_type == "image/png"
    return image.bytes


# Stands in for the server's side: the functions of the interface `host` in wit/plugin.wit.
@patch.object(host, "log", lambda level, message: None)
@patch.object(host, "progress", lambda done: None)
@patch.object(host, "limits", lambda: Limits(65535, 65535, 100_000_000, 1000, 1000, 512 << 20))
class Label(unittest.TestCase):
    def assert_refused(self, failure, *task):
        with self.assertRaises(Err) as raised:
            label(*task)
        self.assertIsInstance(raised.exception.value, failure)

    def test_a_label_is_written_behind_the_header(self):
        self.assertEqual(label(PLAIN, {"text": "Grüße"}), LABELLED)

    def test_a_label_is_replaced_by_a_new_one_and_taken_out_by_none(self):
        self.assertEqual(label(label(PLAIN, {"text": "Salut"}), {"text": "Grüße"}), LABELLED)
        self.assertEqual(label(LABELLED, {}), PLAIN)
        self.assertEqual(label(LABELLED, {"keyword": "Author"}), LABELLED)

    def test_steps_are_carried_out_in_their_order(self):
        self.assertEqual(label(PLAIN, {"text": "Salut"}, {"text": "Grüße"}), LABELLED)

    def test_what_is_no_png_or_only_a_part_of_one_is_refused(self):
        self.assert_refused(Failure_InvalidImage, b"GIF89a", {})
        for length in range(len(LABELLED)):
            self.assert_refused(Failure_InvalidImage, LABELLED[:length], {})

    def test_a_text_that_png_cannot_hold_is_refused(self):
        self.assert_refused(Failure_InvalidParameters, PLAIN, {"text": "a\0b"})

    def test_a_result_that_is_larger_than_permitted_is_refused(self):
        self.assert_refused(Failure_TooLarge, PLAIN, {"text": "a" * 1000})
