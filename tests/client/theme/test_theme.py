from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QPushButton

from client.theme import Font, Scheme
from client.theme.icon import FOLDER
from client.theme.tokens import DARK, LIGHT
from tests.support.qt import WidgetCase


class ThemeTests(WidgetCase):
    def test_switched(self) -> None:
        """The scheme is switched while everything is shown, and told once."""
        told: list[bool] = []
        self.theme.changed.connect(lambda: told.append(self.theme.dark))
        self.theme.set_scheme(Scheme.DARK)
        self.theme.set_scheme(Scheme.DARK)
        self.assertEqual(told, [True])
        self.assertEqual(self.theme.colours.window, QColor(DARK.window))
        self.assertEqual(self.application.palette().window().color(), QColor(DARK.window))

    def test_follows_the_system(self) -> None:
        """Left to the system, it is what the system has, also when that changes."""
        self.theme.set_scheme(Scheme.SYSTEM)
        hints = self.application.styleHints()
        self.addCleanup(hints.unsetColorScheme)
        for scheme, tokens in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
            hints.setColorScheme(scheme)
            self.turn()
            # the offscreen platform of an older Qt has no scheme to be told
            if hints.colorScheme() is scheme:
                self.assertEqual(self.theme.tokens, tokens)

    def test_texts_scale(self) -> None:
        """Texts and what holds them grow in steps, between 80 and 200 per cent."""
        plain = self.theme.font(Font.MESSAGE).pixelSize()
        self.theme.zoom(+1)
        self.assertEqual(self.theme.scale, 110)
        self.assertGreater(self.theme.font(Font.MESSAGE).pixelSize(), plain)
        self.theme.set_scale(1000)
        self.assertEqual((self.theme.scale, self.theme.px(20)), (200, 40))
        self.theme.zoom(+1)
        self.assertEqual(self.theme.scale, 200)
        self.theme.zoom(0)
        self.assertEqual(self.theme.scale, 100)

    def test_icons(self) -> None:
        """Every icon that is shipped can be drawn, in the colour that is asked for, and sharp on a fine
        screen.
        """
        names = sorted(path.stem for path in FOLDER.glob("*.svg"))
        self.assertGreater(len(names), 100)
        self.assertIn("ISC", (FOLDER / "LICENSE").read_text("utf-8"))
        for name in names:
            self.assertTrue(QSvgRenderer(str(FOLDER / f"{name}.svg")).isValid(), name)
        red = QColor("#FF0000")
        pixmap = self.theme.pixmap("search", red, ratio=2.0)
        self.assertEqual((pixmap.width(), pixmap.devicePixelRatio()), (40, 2.0))
        image = pixmap.toImage()
        seen = {
            image.pixelColor(x, y).name()
            for x in range(40)
            for y in range(40)
            if image.pixelColor(x, y).alpha() == 255
        }
        self.assertEqual(seen, {"#ff0000"})

    def test_controls_follow(self) -> None:
        """A button is painted by the tokens of the scheme that is in force."""
        button = QPushButton("Send")
        button.setProperty("kind", "primary")
        self.show(button, 120, 40)
        button.clearFocus()
        for scheme, tokens in ((Scheme.LIGHT, LIGHT), (Scheme.DARK, DARK)):
            self.theme.set_scheme(scheme)
            self.turn()
            self.assertEqual(self.grab(button).pixelColor(12, 20), QColor(tokens.accent))
