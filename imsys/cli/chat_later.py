"""``/schedule`` and ``/timer``: texts that are sent later, and messages that are gone after a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from imsys.cli.console import CliError
from imsys.cli.conversation import short
from imsys.cli.group_words import timer_words
from imsys.cli.spans import moment_of, seconds_of, span_text, time_text
from imsys.cli.tasks import Tasks
from imsys.cli.text import printable
from imsys.sdk import SENTENCES, Client, Mentions, Scheduled, ScheduledNews

HELP = (
    "/schedule 18:00 TEXT (or tomorrow 9:00, 2026-12-24 18:00, 2h)",
    "/scheduled lists what waits to be sent, /cancel N: do not send it",
    "/timer 1d: what is written is gone then (1h to 4w, or off)",
)
_LEAST, _MOST = 3600, 28 * 86400
"""Seconds of a timer, by the servers' rule."""


class ChatLater:
    """Texts of one conversation that are sent later, and its timer.

    :param notice: shows a line.
    :param calendar: the time of day in Unix seconds.
    :param mentions: returns whom a text mentions.
    """

    def __init__(
        self,
        client: Client,
        tasks: Tasks,
        notice: Callable[[str], None],
        calendar: Callable[[], float],
        mentions: Callable[[str], Mentions],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._notice = notice
        self._calendar = calendar
        self._mentions = mentions
        self._thread = 0
        self._shown: list[Scheduled] = []
        self.commands: dict[str, Callable[[str], bool]] = {
            "/schedule": self._schedule,
            "/scheduled": self._list,
            "/cancel": self._cancel,
            "/timer": self._timer,
        }
        """Each takes the rest of its line, and returns whether it was accepted."""
        client.on_scheduled.subscribe(self._happened)

    def begin(self, thread_id: int) -> None:
        """Begin with a conversation."""
        self._thread = thread_id

    def _schedule(self, rest: str) -> bool:
        found = moment_of(rest, self._now())
        if found is None or not found[1]:
            self._notice("like this: /schedule 18:00 TEXT (or tomorrow 9:00, 2026-12-24 18:00, 2h)")
            return False
        at, text = found

        async def schedule() -> None:
            await self._client.schedule.add(self._thread, text, at, mentions=self._mentions(text))
            self._notice(f"it is sent at {time_text(at, self._now())}; /scheduled lists what waits")

        self._tasks.begin(schedule(), "not scheduled")
        return True

    def _list(self, rest: str) -> bool:
        async def tell() -> None:
            found = [one async for one in self._client.schedule.waiting() if one.thread_id == self._thread]
            self._shown = found
            if not found:
                self._notice("nothing waits to be sent here")
            for number, one in enumerate(found, 1):
                self._notice(f"{number}: at {time_text(one.at, self._now())}: {short(printable(one.text))}")

        self._tasks.begin(tell())
        return True

    def _cancel(self, rest: str) -> bool:
        if not (rest.isascii() and rest.isdecimal() and 0 < int(rest[:6]) <= len(self._shown)):
            self._notice("/scheduled lists what waits to be sent; /cancel N does not send it")
            return False
        one = self._shown[int(rest) - 1]

        async def cancel() -> None:
            await self._client.schedule.cancel(one.schedule_id)
            self._notice(f"it is not sent: {short(printable(one.text))}")

        self._tasks.begin(cancel(), "not cancelled")
        return True

    def _timer(self, rest: str) -> bool:
        seconds = 0 if rest == "off" else seconds_of(rest)
        if not rest:
            self._tasks.begin(self._show())
            return True
        if seconds is None or (rest != "off" and not _LEAST <= seconds <= _MOST):
            self._notice("like this: /timer 1d (1h to 4w), or /timer off")
            return False

        async def change() -> None:
            if await self._client.set_timer(self._thread, seconds) is None:
                self._notice(f"you {timer_words(seconds)} already" if seconds else "messages stay already")

        self._tasks.begin(change(), "not set")
        return True

    async def _show(self) -> None:
        async for one in self._client.threads.overview():
            if one.thread_id == self._thread:
                self._notice(
                    f"messages are gone after {span_text(one.timer)}"
                    if one.timer
                    else "messages stay; /timer 1d"
                )
                return
        raise CliError("There is no such conversation.")

    def _happened(self, news: ScheduledNews) -> None:
        if news.state == "failed":
            why = SENTENCES[news.status] if news.status is not None else ""
            self._notice(f"what you scheduled was not sent: {why}")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._calendar(), UTC).astimezone()
