"""Limits of an account's actions per minute and per day, across all servers.

``member:<kind>:<uuid>`` in Redis counts actions in the present and the previous minute and day. Of the
previous window only the part within a sliding window that ends now counts, as if its actions had been spread
evenly. So in any minute an account has at most its allowance, except for uneven use in the previous one.

Rare actions are counted in Redis before they are done. Texts are not: a server counts them itself, lets them
pass, and settles with Redis whenever an account has sent a twentieth of its minute's allowance. So at each
server an account can exceed its allowance by a twentieth, by one request, and by what it sends during such a
call. The excess counts, so that the account waits longer. If Redis does not answer, each server uses its own
counts, so an account has at most its allowance per server.
"""

from __future__ import annotations

import enum
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.logger import Logger

from imsys.config import LimitsConfig
from imsys.errors import Refused, Status, Unavailable
from imsys.redis.client import Redis, Script
from imsys.util.batching import BatchingQueue
from imsys.util.outages import Outage

_log = Logger()

MINUTE, DAY = 60_000, 86_400_000
"""The windows, in milliseconds."""

ACCOUNTS = 100_000
"""Accounts whose counts a server keeps, at most; the least recently used are forgotten."""

AT_ONCE, WAITING = 200, 200_000
"""Accounts settled by one call, and accounts that wait for it, at most."""

SHARE = 20
"""An account settles after each 1/SHARE of its minute's texts."""

_COUNT = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local windows = {60000, 86400000}

local function count(key, done, cost, mosts)
  local wait, left, rows = 0, math.huge, {}
  for i, window in ipairs(windows) do
    local most = tonumber(mosts[i])
    if most > 0 then
      local at, part = math.floor(now / window), now % window / window
      local found = redis.call('HMGET', key, i .. 'at', i .. 'now', i .. 'before')
      local gone, this, before = at - (found[1] or at), tonumber(found[2] or 0), tonumber(found[3] or 0)
      if gone == 1 then this, before = 0, this elseif gone ~= 0 then this, before = 0, 0 end
      this = this + done
      local need, used = math.min(math.max(cost, 1), most), before * (1 - part) + this
      if used + need > most then
        local until_room = this + need <= most and 1 - (most - this - need) / before - part or 2 - part - (most - need) / this
        wait = math.max(wait, until_room * window, 1)
      end
      left = math.min(left, most - used)
      rows[#rows + 1] = {i, at, this, before}
    end
  end
  if wait == 0 or done > 0 then
    for _, row in ipairs(rows) do
      redis.call('HSET', key, row[1] .. 'at', row[2], row[1] .. 'now', row[3] + (done > 0 and 0 or cost), row[1] .. 'before', row[4])
    end
    redis.call('PEXPIRE', key, 2 * windows[2])
  end
  return {math.ceil(wait), math.floor(math.max(left, 0))}
end

local results = {}
for i, key in ipairs(KEYS) do
  results[i] = count(key, tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), {ARGV[4 * i - 1], ARGV[4 * i]})
end
return results
""")
"""Counts for each account what is ``done`` already, in any case, or a ``cost``, if there is room.

Returns for each the milliseconds until there is room for the cost, or for one more, and how much is left.
"""


class Kind(enum.Enum):
    """The kinds of counted actions."""

    __hash__ = object.__hash__  # an enumeration's own is a function of Python, called for every text

    LOOKUP = "lookup"
    """Searches for names and requests of cards."""
    REQUEST = "request"
    """Friend requests."""
    TEXT = "text"
    OFFER = "offer"
    """Offers of files and live streams."""
    THREAD = "thread"
    PROFILE = "profile"
    """Changes of the own profile, which are pushed to all friends."""


@dataclass(frozen=True, slots=True)
class _Most:
    minute: int
    day: int

    def __bool__(self) -> bool:
        return self.minute > 0 or self.day > 0


class _Window:
    """One window of the counts, like that in Redis."""

    __slots__ = ("_at", "_before", "_length", "_this")

    def __init__(self, length: int) -> None:
        self._length = length
        self._at = self._this = self._before = 0

    def wait(self, now: float, cost: int, most: int) -> float:
        """Return the milliseconds until there is room."""
        if not most:
            return 0.0
        self._turn(now)
        part, need = now % self._length / self._length, min(cost, most)
        if self._before * (1 - part) + self._this + need <= most:
            return 0.0
        room = (
            1 - (most - self._this - need) / self._before
            if self._this + need <= most
            else 2 - (most - need) / self._this
        )
        return max(1.0, (room - part) * self._length)

    def add(self, now: float, count: int) -> None:
        """Count actions."""
        self._turn(now)
        self._this += count

    def _turn(self, now: float) -> None:
        at = int(now // self._length)
        if at != self._at:
            self._before = self._this if at == self._at + 1 else 0
            self._at, self._this = at, 0


class _Account:
    """This server's counts of one account and kind."""

    __slots__ = ("ask_at", "asked", "day", "minute", "settling", "unsettled", "until")

    def __init__(self) -> None:
        self.minute, self.day = _Window(MINUTE), _Window(DAY)
        self.unsettled = 0  # texts, including those being settled
        self.asked = 0
        self.ask_at = 0
        self.until = 0.0
        self.settling = False

    def wait(self, now: float, cost: int, most: _Most) -> float:
        return max(self.minute.wait(now, cost, most.minute), self.day.wait(now, cost, most.day))

    def add(self, now: float, count: int) -> None:
        self.minute.add(now, count)
        self.day.add(now, count)


class Allowances:
    """Enforces the allowances of all accounts on one server.

    :param seconds: a monotonic clock.
    """

    def __init__(self, redis: Redis, seconds: Callable[[], float], config: LimitsConfig) -> None:
        self._redis = redis
        self._seconds = seconds
        self._most = {
            kind: _Most(getattr(config, f"{kind.value}_minute"), getattr(config, f"{kind.value}_day"))
            for kind in Kind
        }
        self._accounts: OrderedDict[tuple[Kind, int], _Account] = OrderedDict()
        texts = self._most[Kind.TEXT]
        self._limited = bool(texts)
        self._share = max(1, (texts.minute or texts.day) // SHARE)
        self._settling: BatchingQueue[tuple[int, int], tuple[int, int]] = BatchingQueue(
            self._settle_all, most=AT_ONCE, queue=WAITING
        )
        self._outage = Outage(seconds, "Counting what members do")

    async def take(self, kind: Kind, user: int, cost: int = 1) -> None:
        """Count ``cost`` actions that a member is about to do.

        A larger cost than a window allows counts as a whole window.

        :raises Refused: RATE_LIMITED (64), there were too many lately.
        """
        most = self._most[kind]
        if not most or not cost:
            return
        account, now = self._account(kind, user), self._seconds() * 1000
        try:
            ((wait, _),) = await self._redis.script(
                _COUNT, [self._key(kind, user)], [0, cost, most.minute, most.day]
            )
        except Unavailable as unavailable:
            self._outage.failed(unavailable.message)
            wait = account.wait(now, cost, most)
        else:
            self._outage.works()
        if wait:
            raise _too_many(wait / 1000)
        account.add(now, cost)

    def texts(self, user: int, count: int) -> None:
        """Count texts that a member is about to send. :raises Refused: RATE_LIMITED (64), too many lately."""
        if not self._limited:
            return
        account = self._accounts.get((Kind.TEXT, user)) or self._account(Kind.TEXT, user)
        account.unsettled += count
        if account.unsettled >= account.ask_at:
            self._beyond(user, account, count)

    def _beyond(self, user: int, account: _Account, count: int) -> None:
        now = self._seconds()
        wait = account.until - now
        if wait <= 0 and account.settling:
            wait = account.wait(now * 1000, account.unsettled - account.asked, self._most[Kind.TEXT]) / 1000
        if wait > 0:
            account.unsettled -= count
            raise _too_many(wait)
        if not account.settling:
            self._settle(user, account)

    def _settle(self, user: int, account: _Account) -> None:
        """Report an account's texts to Redis."""
        account.settling, account.asked = True, account.unsettled
        account.add(self._seconds() * 1000, account.asked)

        def settled(answer: tuple[int, int]) -> None:
            self._outage.works()
            self._settled(account, *answer)

        def failed(reason: object) -> None:
            self._outage.failed("Redis does not answer.")
            self._settled(
                account, account.wait(self._seconds() * 1000, 1, self._most[Kind.TEXT]), self._share
            )

        settling = self._settling.add((user, account.asked))
        settling.addCallbacks(settled, failed).addErrback(
            lambda reason: _log.failure("settling failed", reason)
        )

    def _settled(self, account: _Account, wait: float, left: int) -> None:
        account.settling = False
        account.unsettled -= account.asked
        account.until = self._seconds() + wait / 1000 if wait else 0.0
        account.ask_at = 0 if wait else max(1, min(self._share, left))

    async def _settle_all(self, sent: list[tuple[int, int]]) -> Sequence[tuple[int, int]]:
        most, arguments = self._most[Kind.TEXT], []
        for _, count in sent:
            arguments += [count, 0, most.minute, most.day]
        found: Sequence[tuple[int, int]] = await self._redis.script(
            _COUNT, [self._key(Kind.TEXT, user) for user, _ in sent], arguments
        )
        return found

    def _account(self, kind: Kind, user: int) -> _Account:
        account = self._accounts.get((kind, user))
        if account is None:
            account = self._accounts[kind, user] = _Account()
            if len(self._accounts) > ACCOUNTS:
                (other, gone), forgotten = self._accounts.popitem(last=False)
                if other is Kind.TEXT and forgotten.unsettled and not forgotten.settling:
                    self._settle(gone, forgotten)
        else:
            self._accounts.move_to_end((kind, user))
        return account

    def _key(self, kind: Kind, user: int) -> str:
        return self._redis.key("member", kind.value, user)


def _too_many(seconds: float) -> Refused:
    after = math.ceil(seconds * 1000) / 1000
    return Refused(
        Status.RATE_LIMITED, "You have done this too often lately: try again later.", retry_after=after
    )
