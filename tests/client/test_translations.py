from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLocale, Qt

from client.core.memory import NOW_MS, MemoryAccount
from client.core.preferences import Preferences
from client.core.shortcuts import SHORTCUTS
from client.platform.languages import translate
from client.translations.make import HERE, LANGUAGES, differences
from client.translations.sentences import known, listed, percent, said, sentence
from client.viewmodels.telling import telling
from client.views.main.shortcuts import sentences
from client.widgets.messages.words import content_line, day_words, moment_words
from imsys.sdk import SENTENCES, Status
from tests.client.views.scene import ViewCase
from tests.support.qt import WidgetCase

OF_SERVERS = {
    status for status in Status if "GRPC_SERVER" in status.name or status.name.endswith("ALREADY_EXISTS")
} | {Status.SUCCESS}
"""What no client is told."""


def translated(path: Path) -> list[str]:
    """The literals that are given to ``tr`` and ``translate``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = node.args[0:1] if name == "tr" else node.args[1:2] if name == "translate" else []
            found += [
                one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
    return found


class FilesTests(WidgetCase):
    def test_current(self) -> None:
        """The files are what Qt's tools make of the sources."""
        self.assertEqual(differences(), [])

    def test_complete(self) -> None:
        """Everything is said in Chinese, and with the same gaps."""
        for language in LANGUAGES:
            root = ElementTree.parse(HERE / f"imsys_{language}.ts").getroot()
            for message in root.iter("message"):
                source = message.findtext("source") or ""
                translation = message.find("translation")
                assert translation is not None
                self.assertIsNone(translation.get("type"), f"{language}: {source}")
                texts = [form.text or "" for form in translation.findall("numerusform")] or [
                    translation.text or ""
                ]
                for text in texts:
                    self.assertEqual(
                        set(re.findall(r"\{\w*\}", text)), set(re.findall(r"\{\w*\}", source)), source
                    )

    def test_nothing_is_missed(self) -> None:
        """Qt's tool sees every sentence that the program translates."""
        found = {text for path in HERE.parent.rglob("*.py") for text in translated(path)}
        root = ElementTree.parse(HERE / "imsys_zh_CN.ts").getroot()
        self.assertEqual(found - {message.findtext("source") for message in root.iter("message")}, set())

    def test_sentences(self) -> None:
        """What the library says, and the shortcuts, are among what is translated."""
        missing = {text for status, text in SENTENCES.items() if status not in OF_SERVERS} - set(known())
        self.assertEqual(missing, set())
        self.assertEqual(
            {one.words for one in SHORTCUTS} | {one.group for one in SHORTCUTS}, set(sentences())
        )


class ShownTests(ViewCase):
    def tearDown(self) -> None:
        translate(self.application, "en")
        QLocale.setDefault(QLocale.c())

    def test_chinese(self) -> None:
        """A window in Chinese, its dates, its plurals, and Qt's own words."""
        translate(self.application, "zh_CN")
        view = self.open()
        view.open(30)
        self.assertEqual(view.list.search.placeholderText(), "搜索")
        self.assertEqual(view.conversation.header._about.text(), "6 位成员 · 1 人请求加入")
        self.assertEqual(sentence("The connection was lost."), "连接已断开。")
        self.assertEqual(QCoreApplication.translate("QPlatformTheme", "Cancel"), "取消")
        self.assertIn(
            "昨天",
            str(
                [view.conversations.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(20)]
            ),
        )

    def test_chinese_phrases(self) -> None:
        """What is put together of several parts is put together as Chinese is."""
        translate(self.application, "zh_CN")
        self.assertEqual(listed(("直播", "", "日出")), "直播，日出")
        self.assertEqual((said("我", "好"), percent(58)), ("我：好", "58%"))
        self.assertEqual(moment_words(NOW_MS, NOW_MS)[:3], "今天 ")
        told = telling(
            (account := MemoryAccount(longest=50)),
            [account.receive(30, "好", 10006)],
            Preferences(),
            NOW_MS,
            content_line,
        )
        assert told is not None
        self.assertEqual(told.text, "Tom Ellis：好")

    def test_english_plurals(self) -> None:
        """One message, and two."""
        translate(self.application, "en")
        view = self.open()
        view.conversation.long_text.offer("x" * 4097)
        self.assertEqual(view.conversation.long_text.several_button.text(), "Send as 2 messages")
        view.conversation.long_text.offer("x")
        self.assertEqual(view.conversation.long_text.several_button.text(), "Send as 1 message")

    def test_american_dates(self) -> None:
        """The month stands where the locale has it."""
        for locale, words in (("en_US", "November 6"), ("en_GB", "6 November")):
            QLocale.setDefault(QLocale(locale))
            self.assertEqual(day_words(NOW_MS - 18 * 86_400_000, NOW_MS), words)

    def test_right_to_left(self) -> None:
        """Everything is turned: the side bar and the list are right, the way of writing too."""
        self.application.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.addCleanup(self.application.setLayoutDirection, Qt.LayoutDirection.LeftToRight)
        view = self.open()
        view.open(1)
        self.assertGreater(view.rail.mapTo(view, view.rail.rect().center()).x(), view.width() - 80)
        self.assertGreater(view.list.mapTo(view, view.list.rect().center()).x(), view.width() // 2)
        self.assertEqual(view.conversation.composer.layoutDirection(), Qt.LayoutDirection.RightToLeft)
