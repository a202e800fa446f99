"""Texts that wait at the server."""

from __future__ import annotations

from client.core.timed import Later
from client.sync.known import Known
from imsys import sdk
from imsys.sdk import Client, NotServed


class Timing:
    """What waits is kept in memory alone: the server has it."""

    def __init__(self, client: Client, known: Known) -> None:
        self._client = client
        self._known = known
        client.on_scheduled.subscribe(self._news)

    async def read(self) -> None:
        """Have all of them."""
        try:
            found = {one.schedule_id: later(one) for one in await self._client.schedule.waiting().all()}
        except NotServed:  # by a server of the version before
            return
        before, self._known.later = self._known.later, found
        for conversation in {one.conversation for one in (*before.values(), *found.values())}:
            self._known.changes.scheduled.fire(conversation)

    def keep(self, one: Later) -> None:
        """It waits."""
        if self._known.later.get(one.id) != one:
            self._known.later[one.id] = one
            self._known.changes.scheduled.fire(one.conversation)

    def drop(self, number: int) -> None:
        """It waits no more."""
        one = self._known.later.pop(number, None)
        if one is not None:
            self._known.changes.scheduled.fire(one.conversation)

    def _news(self, news: sdk.ScheduledNews) -> None:
        if news.scheduled is not None:
            self.keep(later(news.scheduled))
            return
        self.drop(news.schedule_id)
        if news.state == "failed":
            self._known.changes.notice.fire("A text that was to be sent later was refused.")


def later(one: sdk.Scheduled) -> Later:
    """As the client has it."""
    return Later(one.schedule_id, one.thread_id, one.text, int(one.at.timestamp() * 1000))
