"""Drives the running client: opens the long conversation, scrolls, writes, waits, and says a line of JSON for
each figure.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionSlider, QWidget
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from client.bench.resources import cpu, memory
from client.bench.watch import Painted, spread
from client.core.model import Link, Message
from client.program import Program
from client.shell.open_accounts import Opened

FRAME_S = 1 / 60
FRAMES = 900
KEYS = 240
KEY_S = 0.045
SETTLE_S = 3.0
IDLE_S = 30.0
MANY = (200, 20)
"""Messages a second, and for how many seconds."""
FEW = 5
LATE_S = 60.0
NONE = Qt.KeyboardModifier.NoModifier
LEFT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


def say(name: str, **figures: Any) -> None:
    """Tell the benchmark."""
    sys.stdout.write(json.dumps({"name": name, **figures}) + "\n")
    sys.stdout.flush()


class Driver:
    """Measures the parts that were asked for, one after the other, and ends the program."""

    def __init__(
        self,
        reactor: Any,
        program: Program,
        began: float,
        found: dict[str, float],
        parts: list[str],
        minutes: float,
    ) -> None:
        self._reactor = reactor
        self._program, self._began, self._found, self._parts, self._minutes = (
            program,
            began,
            found,
            parts,
            minutes,
        )
        self._came = 0

    def begin(self) -> None:
        """Begin when the program does."""
        Deferred.fromCoroutine(self._run()).addErrback(self._failed).addBoth(lambda _: self._program.quit())

    def _failed(self, reason: Any) -> None:
        say("failed", problem=reason.getErrorMessage(), details=reason.getTraceback()[-2000:])

    async def _run(self) -> None:
        opened = await self._list()
        await self._open(opened)
        parts: dict[str, Callable[[Opened], Coroutine[Any, Any, None]]] = {
            "wheel": self._wheel,
            "bar": self._bar,
            "keys": self._keys,
            "idle": self._idle,
            "many": self._many,
            "long": self._long,
        }
        for part in self._parts:
            if part in parts:
                await parts[part](opened)

    # Waiting.

    def _wait(self, seconds: float) -> Deferred[None]:
        return deferLater(self._reactor, seconds)

    async def _until(self, true: Callable[[], object], what: str, most: float = LATE_S) -> None:
        late = time.monotonic() + most
        while not true():
            if time.monotonic() > late:
                raise RuntimeError(f"not within {most:g} s: {what}")
            await self._wait(0.005)

    async def _painted(
        self,
        widget: QWidget,
        act: Callable[[], object],
        true: Callable[[], bool] = lambda: True,
        most: float = 5.0,
    ) -> float:
        """Do something; when the widget had been painted after it, with something being so; 0: it was not."""
        at: list[float] = []
        eye = Painted(lambda moment: at.append(moment) if true() and not at else None)
        widget.installEventFilter(eye)
        act()
        late = time.monotonic() + most
        while not at and time.monotonic() < late:
            await self._wait(0.001)
        widget.removeEventFilter(eye)
        return at[0] if at else 0.0

    # Parts.

    async def _list(self) -> Opened:
        program = self._program
        await self._until(lambda: program.accounts.all, "an account is open")
        opened = program.accounts.all[0]
        rows = opened.view.list.rows
        at = await self._painted(
            rows.viewport(), lambda: rows.viewport().update(), lambda: bool(rows.model().rowCount())
        )
        await self._until(lambda: "first paint" in self._found, "a window is painted")
        say(
            "start", first=round(self._found["first paint"] - self._began, 3), list=round(at - self._began, 3)
        )
        return opened

    async def _open(self, opened: Opened) -> None:
        view, rows = opened.view, opened.view.list.rows
        await self._until(lambda: opened.account.connection().link is Link.ONLINE, "it is connected")
        number = max(one.id for one in opened.account.conversations())
        opened.account.changes.messages.subscribe(lambda some: self._count(number, some))
        await self._wait(SETTLE_S)  # it catches up, and comes to the top
        model = rows.model()
        index = next(
            model.index(row, 0)
            for row in range(model.rowCount())
            if rows.one(model.index(row, 0)).id == number  # type: ignore[union-attr]
        )
        rows.scrollTo(index)
        place = rows.visualRect(index).center()
        messages = view.conversation.messages
        began = time.monotonic()
        shown = await self._painted(
            messages.viewport(), lambda: self._click(rows.viewport(), place), lambda: len(messages.rows) > 0
        )
        say("conversation", seconds=round(shown - began, 4), shown=len(messages.rows))
        if view.current != number:
            raise RuntimeError("another conversation is open")
        await self._wait(SETTLE_S)
        say("memory", when="open", **memory())

    def _count(self, number: int, some: list[Message]) -> None:
        self._came += sum(1 for message in some if message.conversation == number and not message.mine)

    def _click(self, widget: QWidget, place: QPoint) -> None:
        for kind, held in ((QEvent.Type.MouseButtonPress, LEFT), (QEvent.Type.MouseButtonRelease, NO_BUTTON)):
            self._mouse(widget, kind, place, held)

    def _mouse(self, widget: QWidget, kind: QEvent.Type, place: QPoint, held: Qt.MouseButton) -> None:
        button = NO_BUTTON if kind is QEvent.Type.MouseMove else LEFT
        event = QMouseEvent(kind, QPointF(place), QPointF(widget.mapToGlobal(place)), button, held, NONE)
        QApplication.sendEvent(widget, event)

    async def _frames(
        self, viewport: QWidget, act: Callable[[int], object], count: int = FRAMES
    ) -> dict[str, Any]:
        """Act 60 times a second; from when each was due to when it was on the screen, and from when it began."""
        painted: list[float] = []
        worked: list[float] = []

        def seen(moment: float) -> None:
            painted.append(moment)
            worked.append(time.thread_time())

        eye = Painted(seen)
        viewport.installEventFilter(eye)
        due_to, own, work, missed = [], [], [], 0
        start = time.monotonic() + FRAME_S
        spent = cpu()
        for number in range(count):
            due = start + number * FRAME_S
            while (left := due - time.monotonic()) > 0:
                await self._wait(max(0.0, left - 0.0008))
            before, began, busy = len(painted), time.monotonic(), time.thread_time()
            act(number)
            late = began + 1.0
            while len(painted) == before and time.monotonic() < late:
                await self._wait(0.0)
            if len(painted) == before:
                missed += 1
                start = time.monotonic() - number * FRAME_S
                continue
            due_to.append(painted[-1] - due)
            own.append(painted[-1] - began)
            work.append(worked[-1] - busy)
            if painted[-1] - due > FRAME_S:
                start += painted[-1] - due  # the next one is due a frame after this one, and not at once
        viewport.removeEventFilter(eye)
        late_ones = sum(1 for value in own if value > FRAME_S)
        return {
            "frame": spread(own),
            "due": spread(due_to),
            "work": spread(work),
            "frames": len(own),
            "late": late_ones,
            "unpainted": missed,
            "cpu": round(cpu() - spent, 2),
        }

    async def _wheel(self, opened: Opened) -> None:
        viewport = opened.view.conversation.messages.viewport()
        place = QPointF(viewport.rect().center())

        def turn(number: int) -> None:
            delta = QPoint(0, 120 if number < FRAMES * 2 // 3 else -120)
            event = QWheelEvent(
                place,
                QPointF(viewport.mapToGlobal(place.toPoint())),
                QPoint(),
                delta,
                NO_BUTTON,
                NONE,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(viewport, event)

        say("wheel", **await self._frames(viewport, turn))

    async def _bar(self, opened: Opened) -> None:
        messages = opened.view.conversation.messages
        bar, viewport = messages.verticalScrollBar(), messages.viewport()
        await self._wait(SETTLE_S / 3)
        option = QStyleOptionSlider()
        bar.initStyleOption(option)
        handle = bar.style().subControlRect(
            QStyle.ComplexControl.CC_ScrollBar, option, QStyle.SubControl.SC_ScrollBarSlider, bar
        )
        place = handle.center()
        self._mouse(bar, QEvent.Type.MouseButtonPress, place, LEFT)

        def drag(number: int) -> None:
            nonlocal place
            up = number % 300 < 200
            place = QPoint(place.x(), max(2, min(bar.height() - 2, place.y() + (-2 if up else 2))))
            self._mouse(bar, QEvent.Type.MouseMove, place, LEFT)
            viewport.update()

        figures = await self._frames(viewport, drag)
        self._mouse(bar, QEvent.Type.MouseButtonRelease, place, NO_BUTTON)
        say("bar", **figures)
        messages.go_to_end()
        await self._wait(SETTLE_S / 3)

    async def _keys(self, opened: Opened) -> None:
        edit = opened.view.conversation.composer.edit
        edit.setFocus()
        waits = []
        for number in range(KEYS):
            letter = "the quick brown fox "[number % 20]
            began = time.monotonic()

            def press(letter: str = letter) -> None:
                key = Qt.Key(ord(letter.upper()))
                for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                    QApplication.sendEvent(edit, QKeyEvent(kind, key, NONE, letter))

            shown = await self._painted(edit.viewport(), press)
            waits.append(shown - began)
            await self._wait(max(0.0, KEY_S - (time.monotonic() - began)))
        say("keys", echo=spread(waits))
        opened.view.conversation.composer.clear()

    async def _idle(self, opened: Opened) -> None:
        await self._wait(SETTLE_S)
        spent, began = cpu(), time.monotonic()
        await self._wait(IDLE_S)
        say("idle", percent=round(100 * (cpu() - spent) / (time.monotonic() - began), 3))

    async def _many(self, opened: Opened) -> None:
        rate, seconds = MANY
        came = self._came
        say("write", rate=rate, count=rate * seconds)
        await self._until(lambda: self._came > came, "the first message")
        spent, began = cpu(), time.monotonic()
        first = self._came
        await self._until(lambda: self._came >= came + rate * seconds, "all messages", 10.0 * seconds)
        lasted = time.monotonic() - began
        say(
            "many",
            percent=round(100 * (cpu() - spent) / lasted, 1),
            rate=round((self._came - first) / lasted, 1),
        )

    async def _long(self, opened: Opened) -> None:
        count = round(FEW * 60 * self._minutes)
        came, spent, began = self._came, cpu(), time.monotonic()
        say("write", rate=FEW, count=count)
        await self._until(lambda: self._came >= came + count, "all messages", 120 * self._minutes + 30)
        say(
            "memory",
            when="after",
            minutes=self._minutes,
            percent=round(100 * (cpu() - spent) / (time.monotonic() - began), 2),
            **memory(),
        )
