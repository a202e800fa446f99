from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from client.core.display import colour_index
from client.core.model import Connection, Link
from client.theme import Scheme
from client.theme.tokens import AVATARS
from client.widgets.avatar import Avatar, Avatars
from client.widgets.badge import Badge, words
from client.widgets.banner import ConnectionBanner
from client.widgets.button import IconButton
from client.widgets.empty import EmptyState
from client.widgets.pictures import Pictures, read
from client.widgets.ring import Ring
from client.widgets.search_field import SearchField
from client.widgets.skeleton import Skeleton
from client.widgets.toast import Toast
from tests.support.qt import WidgetCase


class AvatarTests(WidgetCase):
    def setUp(self) -> None:
        super().setUp()
        self.pictures = Pictures()
        self.addCleanup(self.pictures.close)
        self.avatars = Avatars(self.theme, self.pictures)

    def test_colour_by_id(self) -> None:
        """Without a picture, the ground is one of eight colours by the id, and round."""
        avatar = self.show(Avatar(self.theme, self.avatars), 44, 44)
        avatar.show_person(10, "Anna Berg", "")
        image, ground = self.grab(avatar), QColor(AVATARS[colour_index(10)])
        self.assertEqual(image.pixelColor(22, 4), ground)
        self.assertNotEqual(image.pixelColor(1, 1), ground)
        self.assertEqual(avatar.accessibleName(), "Anna Berg")

    async def test_picture(self) -> None:
        """A picture is asked for once, read in a thread, and shown in place of the initials."""
        path = Path(self.mktemp()).with_suffix(".png")
        image = QImage(100, 50, QImage.Format.Format_RGB32)
        image.fill(QColor("#00FF00"))
        image.save(str(path))
        wanted: list[str] = []
        self.avatars.wanted.connect(wanted.append)
        avatar = self.show(Avatar(self.theme, self.avatars), 44, 44)
        avatar.show_person(1, "Anna", "file-1")
        self.grab(avatar)
        self.grab(avatar)
        self.assertEqual(wanted, ["file-1"])
        self.avatars.provide("file-1", str(path))
        await self.until(lambda: self.grab(avatar).pixelColor(22, 22) == QColor("#00FF00"))

    async def test_no_picture(self) -> None:
        """What is no picture, or one that would fill the memory, is not shown, and harms nothing."""
        noise = Path(self.mktemp())
        noise.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
        self.assertTrue(read(str(noise)).isNull())
        self.assertTrue(read("/does/not/exist").isNull())
        bomb = Path(self.mktemp())
        bomb.write_bytes(_png_head(60_000, 60_000))
        self.assertTrue(read(str(bomb), QSize(10, 10)).isNull())
        self.assertIsNone(self.pictures.get(str(noise), QSize(20, 20)))
        await self.until(lambda: self.pictures.broken(str(noise)))


def _png_head(width: int, height: int) -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


class SmallTests(WidgetCase):
    def test_badge(self) -> None:
        """A badge is there while there is something to count."""
        badge = Badge(self.theme, self.show(QWidget(), 100, 100))
        badge.set_count(3)
        self.assertTrue(badge.isVisible())
        badge.set_count(0)
        self.assertFalse(badge.isVisible())
        self.assertEqual((words(999), words(1000)), ("999", "999+"))

    def test_small_badge(self) -> None:
        """On an icon it is small, and counts to 99."""
        badge = self.show(Badge(self.theme, small=True, most=99))
        badge.set_count(135)
        self.assertEqual(words(135, 99), "99+")
        self.assertLess(badge.width(), 32)
        self.assertEqual(badge.height(), 16)

    def test_toast_above(self) -> None:
        """It does not cover what somebody writes in."""
        window = QWidget()
        below = QWidget(window)
        below.setGeometry(0, 350, 500, 50)
        toast = Toast(self.theme, window, below.height)
        self.show(window, 500, 400)
        toast.tell("Saved.")
        self.assertLess(toast.geometry().bottom(), 350)

    def test_button(self) -> None:
        """An icon button has a name, says its shortcut, and is pressed by the keyboard too."""
        button = self.show(IconButton(self.theme, "search", "Find", shortcut="Ctrl+F"))
        pressed: list[bool] = []
        button.clicked.connect(lambda: pressed.append(True))
        self.click(button)
        button.setFocus()
        self.keys(button, Qt.Key.Key_Space)
        self.assertEqual(len(pressed), 2)
        self.assertEqual((button.accessibleName(), button.toolTip()), ("Find", "Find (Ctrl+F)"))
        self.assertEqual((button.width(), button.iconSize().width()), (32, 20))

    async def test_search(self) -> None:
        """A search begins once one stops typing, at once with Enter; Esc clears, and then leaves."""
        field = self.show(SearchField(self.theme, "Search"), 200, 36)
        told: list[str] = []
        left: list[bool] = []
        field.searched.connect(told.append)
        field.left.connect(lambda: left.append(True))
        field.setFocus()
        self.keys(field, "ann")
        self.assertEqual(told, [])
        await self.until(lambda: told == ["ann"])
        self.keys(field, "a")
        self.keys(field, Qt.Key.Key_Return)
        self.assertEqual(told, ["ann", "anna"])
        self.keys(field, Qt.Key.Key_Escape)
        self.assertEqual((told[-1], field.text(), left), ("", "", []))
        self.keys(field, Qt.Key.Key_Escape)
        self.assertEqual(left, [True])

    def test_toast(self) -> None:
        """A toast says a sentence as plain text, and its button does one thing."""
        window = self.show(QWidget(), 600, 400)
        toast = Toast(self.theme, window)
        done: list[bool] = []
        toast.tell("<b>Deleted</b>", "Undo", lambda: done.append(True))
        self.turn()
        self.assertTrue(toast.isVisible())
        self.assertEqual(toast.findChildren(QLabel)[0].text(), "<b>Deleted</b>")
        self.assertTrue(window.rect().contains(toast.geometry()))
        window.resize(400, 300)
        self.turn()
        self.assertTrue(window.rect().contains(toast.geometry()))
        self.click(toast.findChildren(QPushButton)[0])
        self.assertEqual((done, toast.isVisible()), ([True], False))

    def test_banner(self) -> None:
        """The banner names the server, the reason and the time of the next try, and tries at once when asked."""
        now = [1_000_000]
        banner = self.show(ConnectionBanner(self.theme, now=lambda: now[0]), 600, 40)
        banner.set_connection(
            Connection(Link.WAITING, "chat.example", "The server does not answer.", 1_004_000)
        )
        self.assertEqual(
            banner.words(),
            ("No connection to chat.example. The server does not answer. Reconnecting in 4 s", "Retry now"),
        )
        now[0] += 2500
        self.assertIn("in 2 s", banner.words()[0])
        tried: list[bool] = []
        banner.retry.connect(lambda: tried.append(True))
        self.click(banner.findChildren(QPushButton)[0])
        self.assertEqual(tried, [True])
        banner.set_connection(Connection(Link.CONNECTING, "chat.example"))
        self.assertEqual(banner.words(), ("Connecting to chat.example …", ""))
        banner.set_connection(Connection(Link.ONLINE, "chat.example"))
        self.assertFalse(banner.isVisible())

    def test_empty(self) -> None:
        """An empty state says what to do, and does it."""
        empty = self.show(
            EmptyState(
                self.theme, "message-circle", "No conversations", "Find people by name.", "Find people"
            ),
            400,
            400,
        )
        acted: list[bool] = []
        empty.acted.connect(lambda: acted.append(True))
        self.click(empty.findChildren(QPushButton)[0])
        self.assertEqual(acted, [True])
        self.assertIn("Find people by name", empty.accessibleName())

    def test_all_in_both_themes(self) -> None:
        """Everything is painted anew when the theme or the size of texts changes."""
        ring, skeleton = Ring(self.theme, 48, icon="x"), Skeleton(self.theme)
        ring.set_share(0.5)
        for widget in (ring, skeleton):
            self.show(widget, 48, 48)
            light = self.grab(widget)
            self.theme.set_scheme(Scheme.DARK)
            self.assertNotEqual(light, self.grab(widget))
            self.theme.set_scheme(Scheme.LIGHT)
