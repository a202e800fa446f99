"""The list of shortcuts."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from client.core.shortcuts import SHORTCUTS
from client.theme import Theme
from client.theme.tokens import GAP, HUGE, SMALL


def words_of(text: str) -> str:
    """Translated; :func:`sentences` is for Qt's tools."""
    return QCoreApplication.translate("Shortcuts", text)


SIGNS = {"Up": "↑", "Down": "↓", "Left": "←", "Right": "→", "Return": "Enter"}


def key_words(key: str) -> str:
    """Keys as they are written on them."""
    native = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    last = QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText).rpartition("+")[2]
    if last not in SIGNS:
        return native
    name = QKeySequence(last).toString(QKeySequence.SequenceFormat.NativeText)
    return native.removesuffix(name) + SIGNS[last]


class Shortcuts(QWidget):
    """What they do, and their keys, by group."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(HUGE)
        grid.setVerticalSpacing(SMALL)
        grid.setColumnStretch(0, 1)
        row, group = 0, ""
        for one in SHORTCUTS:
            if one.group != group:
                group = one.group
                title = QLabel(words_of(group))
                title.setProperty("role", "strong")
                if row:
                    grid.setRowMinimumHeight(row, GAP)
                    row += 1
                grid.addWidget(title, row, 0, 1, 2)
                row += 1
            words = QLabel(words_of(one.words))
            keys = QLabel("   ".join(key_words(key) for key in one.keys))
            keys.setProperty("role", "second")
            words.setTextFormat(Qt.TextFormat.PlainText)
            keys.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(words, row, 0)
            grid.addWidget(keys, row, 1, Qt.AlignmentFlag.AlignTrailing)
            row += 1


def sentences() -> tuple[str, ...]:
    """All that :data:`client.core.shortcuts.SHORTCUTS` says, where Qt's tools find it."""
    translate = QCoreApplication.translate
    return (
        translate("Shortcuts", "Going about"),
        translate("Shortcuts", "Talking"),
        translate("Shortcuts", "Window"),
        translate("Shortcuts", "Go to a conversation by name"),
        translate("Shortcuts", "Next conversation"),
        translate("Shortcuts", "Previous conversation"),
        translate("Shortcuts", "Search conversations"),
        translate("Shortcuts", "Conversations"),
        translate("Shortcuts", "Contacts"),
        translate("Shortcuts", "Files"),
        translate("Shortcuts", "Find people"),
        translate("Shortcuts", "One step back"),
        translate("Shortcuts", "Find in this conversation"),
        translate("Shortcuts", "Older find"),
        translate("Shortcuts", "React to a message"),
        translate("Shortcuts", "Send later"),
        translate("Shortcuts", "Newer find"),
        translate("Shortcuts", "Attach files"),
        translate("Shortcuts", "Emoji"),
        translate("Shortcuts", "Details"),
        translate("Shortcuts", "To the newest message"),
        translate("Shortcuts", "Send"),
        translate("Shortcuts", "New line"),
        translate("Shortcuts", "Edit my last message, while nothing is written"),
        translate("Shortcuts", "Copy what is selected"),
        translate("Shortcuts", "Larger texts"),
        translate("Shortcuts", "Smaller texts"),
        translate("Shortcuts", "Texts as they were"),
        translate("Shortcuts", "Settings"),
        translate("Shortcuts", "Shortcuts"),
        translate("Shortcuts", "Full screen"),
        translate("Shortcuts", "Close the window"),
        translate("Shortcuts", "Quit"),
    )
