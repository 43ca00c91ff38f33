import unittest

from app import Filter
from wit_world.imports.pixels import Frame
from wit_world.imports.types import Param, Step, Value_Number

PIXELS = [200, 100, 50, 255, 0, 0, 0, 9, 255, 255, 255, 0]


def sepia(*steps):
    steps = [
        Step("plugin-name", [Param(name, Value_Number(number)) for name, number in params.items()])
        for params in steps
    ]
    frame = Filter().apply(Frame(3, 1, bytes(PIXELS)), [], steps)
    assert (frame.width, frame.height) == (3, 1)
    return list(frame.rgba)


class Sepia(unittest.TestCase):
    def test_every_pixel_becomes_brown_and_keeps_its_transparency(self):
        brown = [164, 146, 114, 255, 0, 0, 0, 9, 255, 255, 238, 0]
        self.assertEqual(sepia({"strength": 1.0}), brown)

    def test_half_the_strength_is_half_way(self):
        half = [182, 123, 82, 255, 0, 0, 0, 9, 255, 255, 246, 0]
        self.assertEqual(sepia({"strength": 0.5}), half)

    def test_a_strength_that_is_left_out_is_1(self):
        self.assertEqual(sepia({}), sepia({"strength": 1.0}))

    def test_without_strength_nothing_changes(self):
        self.assertEqual(sepia({"strength": 0.0}, {"strength": 0.0}), PIXELS)
