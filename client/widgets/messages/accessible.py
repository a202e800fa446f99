"""The list for those who hear it: each message is an item that is read as "Anna, 10:42, text, read"."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Container
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QAccessibleEvent,
    QAccessibleInterface,
    QWindow,
)
from PySide6.QtWidgets import QAccessibleWidget

from client.widgets.messages.words import spoken

if TYPE_CHECKING:
    from client.widgets.messages.view import MessageList

_kept: list[ListInterface] = []
"""Python's references. Qt keeps pointers to interfaces, and deletes them: with the widget, at the end, or
when it is told to (:func:`QAccessible.deleteAccessibleInterface`). Python must not do so before, or Qt calls
what is gone."""
_installed: list[bool] = []


def install() -> None:
    """Have Qt ask us about lists of messages, once."""
    if not _installed:
        _installed.append(True)
        QAccessible.installFactory(_make)


def _make(name: str, thing: QObject) -> QAccessibleInterface | None:
    from client.widgets.messages.view import MessageList

    if not isinstance(thing, MessageList):
        return None
    # Qt asks again when the class of an object has changed, as PySide's do while signals are connected, and
    # deletes what each call gave: never the same twice.
    made = ListInterface(thing)
    _kept.append(made)
    thing.destroyed.connect(functools.partial(_gone, made))
    return made


def _gone(interface: ListInterface, _: object = None) -> None:
    """The widget is being destroyed; Qt deletes its interface once all have heard of that."""
    interface.drop(())
    QTimer.singleShot(0, functools.partial(_kept.remove, interface))


def changed(view: MessageList, came: bool) -> None:
    """Messages came or went; one of somebody else that came to the end is said."""
    if not QAccessible.isActive():
        return
    QAccessible.updateAccessibility(QAccessibleEvent(view, QAccessible.Event.ObjectReorder))
    if came and view.isVisible() and not view.rows.messages[-1].mine:
        QAccessible.updateAccessibility(
            QAccessibleAnnouncementEvent(view, spoken(view.rows.messages[-1], view.look.person, view.look.me))
        )


def focused(view: MessageList, index: int) -> None:
    """The keyboard is on a message."""
    if QAccessible.isActive():
        event = QAccessibleEvent(view, QAccessible.Event.Focus)
        event.setChild(index)
        QAccessible.updateAccessibility(event)


class ListInterface(QAccessibleWidget):
    """The list; its children are the messages of the window, in order."""

    def __init__(self, view: MessageList) -> None:
        super().__init__(view, QAccessible.Role.List)
        self.view = weakref.ref(view)
        self._items: dict[str, tuple[ItemInterface, int]] = {}
        """With the numbers that Qt knows them by."""

    def drop(self, kept: Container[str]) -> None:
        """Let go of items but some."""
        for key in [key for key in self._items if key not in kept]:
            QAccessible.deleteAccessibleInterface(self._items[key][1])
            del self._items[key]

    def childCount(self) -> int:
        view = self.view()
        return len(view.rows) if view is not None else 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        view = self.view()
        if view is None or not 0 <= index < len(view.rows):
            return None
        key = view.rows.messages[index].key
        if key not in self._items:
            if len(self._items) > 2 * len(view.rows) + 50:
                self.drop(view.rows.index)
            made = ItemInterface(self, key)
            self._items[key] = made, QAccessible.registerAccessibleInterface(made)
        return self._items[key][0]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        view = self.view()
        key = child.key if isinstance(child, ItemInterface) else ""
        return view.rows.index.get(key, -1) if view is not None else -1

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        view = self.view()
        if view is None:
            return None
        return self.child(view.scroller.at(view.viewport().mapFromGlobal(QPoint(x, y)).y()))

    def focusChild(self) -> QAccessibleInterface | None:  # type: ignore[override]
        view = self.view()
        return self.child(view.rows.index.get(view.input.current, -1)) if view is not None else None


class ItemInterface(QAccessibleInterface):
    """One message, by its key: it may move, and go."""

    def __init__(self, parent: ListInterface, key: str) -> None:
        super().__init__()
        self._parent, self.key = parent, key

    def _index(self) -> int:
        view = self._parent.view()
        return view.rows.index.get(self.key, -1) if view is not None else -1

    def isValid(self) -> bool:
        return self._index() >= 0

    def object(self) -> QObject | None:  # type: ignore[override]
        return None

    def window(self) -> QWindow | None:  # type: ignore[override]
        return self._parent.window()

    def parent(self) -> QAccessibleInterface:
        return self._parent

    def childCount(self) -> int:
        return 0

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    def childAt(self, x: int, y: int) -> QAccessibleInterface | None:  # type: ignore[override]
        return None

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return -1

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.ListItem

    def text(self, kind: QAccessible.Text) -> str:
        view, index = self._parent.view(), self._index()
        if view is None or index < 0 or kind is not QAccessible.Text.Name:
            return ""
        return spoken(view.rows.messages[index], view.look.person, view.look.me)

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """It cannot be changed."""

    def rect(self) -> QRect:
        view = self._parent.view()
        if view is None:
            return QRect()
        rect = view.rect_of(self.key).toAlignedRect()
        return QRect(view.viewport().mapToGlobal(rect.topLeft()), rect.size())

    def state(self) -> QAccessible.State:
        view, state = self._parent.view(), QAccessible.State()
        index = self._index()
        if view is not None and index >= 0:
            state.focusable = True
            state.selectable = True
            state.focused = view.hasFocus() and view.input.current == self.key
            state.selected = index in view.input.selection.span(view.rows.index)
            state.offscreen = index not in view.scroller.seen()
        else:
            state.invalid = True
        return state
