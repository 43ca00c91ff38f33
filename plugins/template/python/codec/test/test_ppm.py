import unittest
from unittest.mock import patch

from app import MEDIA_TYPE, Codec
from componentize_py_types import Err
from wit_world.imports import host
from wit_world.imports.pixels import Frame, Picture
from wit_world.imports.types import Failure_InvalidImage, Failure_TooLarge, Limits, Target

FILE = b"P6 # two pixels\n2\t1\n#\n255\n\x01\x02\x03\xff\xfe\xfd"


def encode(width, height, rgba):
    picture = Picture([Frame(width, height, bytes(rgba))], None, None)
    return Codec().encode(picture, Target(MEDIA_TYPE, []))


def decode(file):
    [frame] = Codec().decode(file, None).frames
    return frame.width, frame.height, list(frame.rgba)


# Stands in for the server's side: the functions of the interface `host` in wit/plugin.wit.
@patch.object(host, "log", lambda level, message: None)
@patch.object(host, "limits", lambda: Limits(65535, 65535, 100_000_000, 1000, 1000, 512 << 20))
class Ppm(unittest.TestCase):
    def assert_refused(self, failure, work, *given):
        with self.assertRaises(Err) as raised:
            work(*given)
        self.assertIsInstance(raised.exception.value, failure)

    def test_a_file_is_recognized_and_read_with_its_comments(self):
        self.assertEqual(Codec().probe(FILE), MEDIA_TYPE)
        self.assertEqual(decode(FILE), (2, 1, [1, 2, 3, 255, 255, 254, 253, 255]))

    def test_what_shines_through_is_white(self):
        file = encode(3, 1, [1, 2, 3, 255, 100, 0, 0, 128, 9, 9, 9, 0])
        self.assertEqual(file, b"P6\n3 1\n255\n\x01\x02\x03\xb1\x7f\x7f\xff\xff\xff")

    def test_what_is_written_is_read_again(self):
        rgba = [1, 2, 3, 255, 4, 5, 6, 255]
        self.assertEqual(decode(encode(1, 2, rgba)), (1, 2, rgba))

    def test_what_is_no_ppm_or_only_a_part_of_one_is_refused(self):
        for length in range(len(FILE)):
            self.assert_refused(Failure_InvalidImage, decode, FILE[:length])
        for other in [b"P5 1 1 255 aaa", b"P61 1 255 aaa", b"P6 0 1 255 ", b"P6 1 1 65535 aaaaaa"]:
            self.assert_refused(Failure_InvalidImage, decode, other)
        self.assertIsNone(Codec().probe(b"P5 1 1 255 a"))

    def test_a_header_that_claims_millions_is_refused(self):
        for header in [b"P6 70000 1 255 ", b"P6 1 70000 255 ", b"P6 60000 60000 255 "]:
            self.assert_refused(Failure_TooLarge, decode, header)

    def test_a_result_that_is_larger_than_permitted_is_refused(self):
        self.assert_refused(Failure_TooLarge, encode, 500, 1, [0] * 2000)
