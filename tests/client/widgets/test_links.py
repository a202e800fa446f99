from __future__ import annotations

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QWidget

from client.widgets.links import open_link
from tests.support.qt import WidgetCase


class LinkTests(WidgetCase):
    def test_opened(self) -> None:
        """A link whose text shows where it leads is opened at once; what is no link of the web never is."""
        opened: list[str] = []
        parent = self.show(QWidget(), 300, 200)
        self.assertIsNone(open_link(parent, "https://example.org/a", False, browse=opened.append))
        for url in ("javascript:alert(1)", "file:///etc/passwd", "https://a b"):
            self.assertIsNone(open_link(parent, url, False, browse=opened.append))
        self.assertEqual(opened, ["https://example.org/a"])

    def test_asked(self) -> None:
        """Else it is asked first, naming the host; Esc opens nothing."""
        opened: list[str] = []
        parent = self.show(QWidget(), 300, 200)
        url = "https://google.com@evil.example/<b>"
        for button, expected in ((2, []), (1, []), (0, [url[:-3]])):
            box = open_link(parent, url[:-3], True, browse=opened.append)
            assert box is not None
            self.turn()
            self.assertIn("evil.example", box.text())
            self.click(_ordered(box)[button])
            self.assertEqual(opened, expected)
        self.assertEqual(QGuiApplication.clipboard().text(), url[:-3])


def _ordered(box: QMessageBox) -> list[QAbstractButton]:
    """Open, copy, cancel."""
    names = ["Open", "Copy link"]
    buttons = {button.text().replace("&", ""): button for button in box.buttons()}
    return [
        *(buttons[name] for name in names),
        next(button for text, button in buttons.items() if text not in names),
    ]
