"""Cutting a part out of a picture."""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from client.core.cropping import LEAST, Cut, Handle, Shape, whole


def box(cut: Cut) -> tuple[float, float, float, float]:
    return cut.left, cut.top, cut.width, cut.height


class CroppingTests(SynchronousTestCase):
    def test_begins_with_as_much_as_can_be(self) -> None:
        """In the middle; of a square what a side has."""
        self.assertEqual(box(whole(400, 200, Shape.CIRCLE)), (100, 0, 200, 200))
        self.assertEqual(box(whole(400, 200, Shape.ELLIPSE)), (0, 0, 400, 200))

    def test_a_corner(self) -> None:
        """What is opposite stays; a square stays one, and inside."""
        free = whole(400, 200, Shape.RECTANGLE).dragged(Handle.TOP_LEFT, 50, 30)
        self.assertEqual(box(free), (50, 30, 350, 170))
        even = whole(400, 200, Shape.SQUARE).dragged(Handle.BOTTOM_RIGHT, 180, 60)
        self.assertEqual(box(even), (100, 0, 80, 80))
        self.assertEqual(box(even.dragged(Handle.BOTTOM_RIGHT, 400, 9999)), (100, 0, 200, 200))

    def test_a_side(self) -> None:
        """Of a square the other sides follow about the middle."""
        cut = whole(400, 200, Shape.SQUARE).dragged(Handle.RIGHT, 200, 0)
        self.assertEqual(box(cut), (100, 50, 100, 100))
        cut = whole(400, 200, Shape.ELLIPSE).dragged(Handle.BOTTOM, 0, 120)
        self.assertEqual(box(cut), (0, 0, 400, 120))

    def test_it_never_leaves_the_picture_or_vanishes(self) -> None:
        """Whatever is done with it."""
        chance = random.Random(7)
        for shape in Shape:
            for wide, high in ((400, 200), (3, 900), (1, 1)):
                cut = whole(wide, high, shape)
                for _ in range(400):
                    x, y = chance.uniform(-500, 1000), chance.uniform(-500, 1000)
                    cut = chance.choice(
                        (
                            lambda cut=cut, x=x, y=y: cut.dragged(chance.choice(list(Handle)), x, y),
                            lambda cut=cut, x=x, y=y: cut.moved(x, y),
                            lambda cut=cut, x=x: cut.grown(abs(x) / 250),
                        )
                    )()
                    self.assertGreaterEqual(min(cut.left, cut.top), 0)
                    self.assertLessEqual(cut.left + cut.width, wide + 1e-6)
                    self.assertLessEqual(cut.top + cut.height, high + 1e-6)
                    self.assertGreaterEqual(
                        min(cut.width, cut.height) + 1e-6, min(LEAST, wide, high) if shape.even else 0.01
                    )
                    if shape.even:
                        self.assertAlmostEqual(cut.width, cut.height)

    def test_another_shape(self) -> None:
        """About the same middle."""
        self.assertEqual(box(whole(400, 200, Shape.RECTANGLE).shaped(Shape.CIRCLE)), (100, 0, 200, 200))
