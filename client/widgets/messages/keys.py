"""Keys of the list of messages: from message to message, selecting, scrolling, doing what a click would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from client.widgets.messages import accessible

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList

_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


def press(view: MessageList, event: QKeyEvent) -> bool:
    """Whether it was for the list."""
    key, user = event.key(), view.input
    bare = not event.modifiers() & _COMMANDS
    if event.matches(QKeySequence.StandardKey.Copy):
        user.copy()
    elif event.matches(QKeySequence.StandardKey.SelectAll) and len(view.rows):
        user.selection.begin(view.rows.messages[0].key, 0, whole=True)
        user.selection.extend(view.rows.messages[-1].key, 0)
    elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and bare:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        step(view, 1 if key == Qt.Key.Key_Down else -1, extend=shift)
    elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and bare:
        page = view.viewport().height() * 0.9
        view.scroll_by(page if key == Qt.Key.Key_PageDown else -page)
    elif key == Qt.Key.Key_Home:
        view.scroll_by(-view.scroller.most)
    elif key == Qt.Key.Key_End:
        view.go_to_end()
    elif key == Qt.Key.Key_Escape:
        if user.selection.empty:
            view.escaped.emit()
        user.selection.clear()
    elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and bare:
        return activate(view)
    elif bare and event.text() and event.text().isprintable():
        view.typed.emit(event.text())
    else:
        return False
    view.viewport().update()
    return True


def step(view: MessageList, by: int, *, extend: bool) -> None:
    """To the next message, or the one before; the first step is onto one that is seen."""
    if not len(view.rows):
        return
    user, last = view.input, len(view.rows) - 1
    user.by_keys = True
    index, seen = view.rows.index.get(user.current, -1), view.scroller.seen()
    if index not in seen:
        index = seen[-1] + (1 if by < 0 else 0)
    target = max(0, min(last, index + by))
    key = view.rows.messages[target].key
    if extend:
        if user.selection.empty or not user.selection.several:
            user.selection.begin(view.rows.messages[max(0, min(last, index))].key, 0, whole=True)
        user.selection.extend(key, 0)
    else:
        user.selection.clear()
    user.current = key
    view.show_row(target)
    accessible.focused(view, target)


def activate(view: MessageList) -> bool:
    """Enter on a message: what a click on the first thing in it does."""
    index = view.rows.index.get(view.input.current, -1)
    if index < 0:
        return False
    row = view.rows.row(index)
    for action in ("resend", "file", "open", "watch", "quote"):
        hit = next((one for one in row.hits if one.action == action), None)
        if hit is not None:
            view.input.act(row.message, hit)
            return True
    links = row.text.links() if row.text is not None else []
    if links:
        view.input.follow(links[0])
    return bool(links)
