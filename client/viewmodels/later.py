"""Texts of one conversation that are sent later, and how long its messages stay."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from client.core.changes import Signal
from client.core.living import can_pin
from client.core.model import Message
from client.core.ports import Account
from client.core.timed import YEAR_MS, Later
from client.viewmodels.work import run


class LaterPresenter:
    """Signals tell what became of commands; every command returns at once."""

    def __init__(
        self,
        account: Account,
        conversation: int,
        mentioned: Callable[[str], tuple[int, ...]],
        now: Callable[[], int],
    ) -> None:
        """``mentioned``: whom a text mentions."""
        self.account, self.id, self.now, self._mentioned = account, conversation, now, mentioned
        self.changed: Signal[None] = Signal()
        """Others wait."""
        self.done: Signal[None] = Signal()
        """What was asked for is so."""
        self.failed: Signal[str] = Signal()
        """It is not, and why."""
        self._end = account.changes.scheduled.subscribe(
            lambda where: self.changed.fire(None) if where == conversation else None
        )

    def close(self) -> None:
        """Hear no more."""
        self._end()

    @property
    def waiting(self) -> Sequence[Later]:
        """The next one first."""
        return self.account.scheduled(self.id)

    @property
    def timer(self) -> int:
        """Seconds for which messages stay; 0: for good."""
        about = self.account.conversation(self.id)
        return about.timer if about is not None else 0

    @property
    def sets_timer(self) -> bool:
        """Whether I may say how long: in a group admins do."""
        about = self.account.conversation(self.id)
        return about is not None and not about.gone and can_pin(about)

    def possible(self, at_ms: int) -> bool:
        """Whether a text can be sent at a time."""
        return self.now() < at_ms <= self.now() + YEAR_MS

    def add(self, text: str, at_ms: int, *, answers: Message | None = None) -> None:
        """Have one sent then."""
        mentions = self._mentioned(text)
        self._do(self.account.schedule(self.id, text, at_ms, answers=answers, mentions=mentions))

    def change(self, later: Later, text: str, at_ms: int) -> None:
        """Other words, or another time."""
        if (text, at_ms) == (later.text, later.at_ms):
            self.done.fire(None)
            return
        words, at = text if text != later.text else None, at_ms if at_ms != later.at_ms else None
        self._do(self.account.reschedule(later, text=words, at_ms=at))

    def cancel(self, later: Later) -> None:
        """Do not send it."""
        self._do(self.account.unschedule(later))

    def send_now(self, later: Later) -> None:
        """Do not wait any longer."""

        async def send() -> None:
            await self.account.unschedule(later)
            await self.account.send_text(self.id, later.text, mentions=self._mentioned(later.text))

        self._do(send())

    def set_timer(self, seconds: int) -> None:
        """How long messages stay that are written from now on."""
        if seconds != self.timer:
            self._do(self.account.set_timer(self.id, seconds))

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        async def do() -> None:
            await work
            self.done.fire(None)

        run(do(), self.failed.fire)
