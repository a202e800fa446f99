"""The kinds of faults that are measured."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from imsys.bench.faults.stage import Stage, Struck
from imsys.bench.lab.aim import catch, catch_idle
from imsys.bench.lab.cluster import Machine
from imsys.bench.lab.network import Host
from imsys.bench.lab.programs import Program

_FROZEN = 20.0
_CUT = 15.0
_DATABASE_AWAY = 5.0
_REDIS_AWAY = 15.0
_REBUILT = 12.0
"""Seconds until an emptied Redis is filled again: twice the interval at which servers write to it."""


class Concern(enum.Enum):
    """The part that fails, and so the goal that applies."""

    NOBODY = "nobody"
    """No fault: the control of the measurement."""
    NODE = "a chat server"
    LOST_NODE = "a chat server that is lost"
    REDIS = "Redis, which texts do not need"
    DATABASE = "the database, without which nobody writes"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of fault."""

    name: str
    title: str
    concern: Concern
    strike: Callable[[Stage], Struck]
    severs: bool = False
    """Whether it needs a network that can be cut (network namespaces)."""


def _nothing(stage: Stage) -> Struck:
    return Struck(since=time.monotonic(), there=stage.people.at(stage.victim()))


def _killed(stage: Stage) -> Struck:
    victim = stage.victim()
    struck = Struck(since=time.monotonic(), there=stage.people.at(victim))
    victim.program.kill()
    return struck


def _frozen(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    since = catch_idle(stage.cluster, victim)
    return Struck(since=since, there=there, later=[(since + _FROZEN, victim.program.thaw)])


def _vanished_idle(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    struck = Struck(since=catch_idle(stage.cluster, victim), there=there)
    stage.cluster.vanish(victim)
    return struck


def _vanished_in_a_transaction(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    caught = catch(stage.cluster, victim)
    stage.cluster.vanish(victim)
    return Struck(since=caught.since, there=there, threads=caught.threads)


def _frozen_in_a_transaction(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    caught = catch(stage.cluster, victim)
    thaw = (caught.since + _FROZEN, victim.program.thaw)
    return Struck(since=caught.since, there=there, threads=caught.threads, later=[thaw])


def _cut_off(
    stage: Stage,
    victim: Machine,
    others: Sequence[Host],
    coming: Callable[[Sequence[int]], Sequence[int]] = lambda _: (),
) -> Struck:
    network = stage.cluster.network

    def heal() -> None:
        for other in others:
            network.heal(victim.host, other)

    struck = _for_a_while(stage.people.at(victim), _CUT, heal)
    for other in others:
        network.cut(victim.host, other)
    struck.coming = coming(struck.there)
    return struck


def _cut_off_from_the_database(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    since = catch_idle(stage.cluster, victim)
    struck = _cut_off(stage, victim, [server.host for server in stage.cluster.databases.servers])
    victim.program.thaw()
    return replace(struck, since=since, there=there)


def _cut_off_in_a_transaction(stage: Stage) -> Struck:
    victim = stage.victim()
    there = stage.people.at(victim)
    caught = catch(stage.cluster, victim)
    struck = _cut_off(stage, victim, [server.host for server in stage.cluster.databases.servers])
    victim.program.thaw()
    return replace(struck, since=caught.since, there=there, threads=caught.threads)


def _cut_off_from_redis(stage: Stage) -> Struck:
    return _cut_off(stage, stage.victim(), [server.host for server in stage.cluster.redises.servers], _some)


def _cut_off_from_balance(stage: Stage) -> Struck:
    return _cut_off(stage, stage.victim(), [balance.host for balance in stage.cluster.balances], _some)


def _cut_off_from_a_peer(stage: Stage) -> Struck:
    victim = stage.victim()
    return _cut_off(stage, victim, [next(chat.host for chat in stage.cluster.chats if chat is not victim)])


def _database_killed(stage: Stage) -> Struck:
    return _away(stage, stage.cluster.database.program, Program.kill, 0.0)


def _database_stopped(stage: Stage) -> Struck:
    return _away(stage, stage.cluster.database.program, Program.stop, _DATABASE_AWAY)


def _database_frozen(stage: Stage) -> Struck:
    return _away(stage, stage.cluster.database.program, Program.freeze, _DATABASE_AWAY)


def _database_failed_over(stage: Stage) -> Struck:
    since = time.monotonic()
    return Struck(since=since, there=stage.everybody, back=stage.cluster.databases.fail_over())


def _redis_flushed(stage: Stage) -> Struck:
    since = time.monotonic()
    stage.cluster.redis.ask("FLUSHALL")
    return Struck(since=since, there=stage.everybody, coming=_some(stage.everybody), rest=_REBUILT)


def _redis_away(stage: Stage) -> Struck:
    struck = _away(stage, stage.cluster.redis.program, Program.kill, _REDIS_AWAY)
    struck.coming, struck.rest = _some(stage.everybody), _REBUILT
    return struck


def _redis_failed_over(stage: Stage) -> Struck:
    since = time.monotonic()
    stage.cluster.redises.fail_over()
    return Struck(since=since, there=stage.everybody, coming=_some(stage.everybody))


def _reset(stage: Stage) -> Struck:
    there = stage.people.at(stage.victim())
    struck = Struck(since=time.monotonic(), there=there)
    stage.people.reset(there)
    return struck


def _some(users: Sequence[int]) -> Sequence[int]:
    """Choose the users who sign in during the fault: unlike texts, that needs Redis and balance."""
    return users[::6]


def _for_a_while(there: Sequence[int], seconds: float, end: Callable[[], object]) -> Struck:
    since = time.monotonic()
    return Struck(since=since, there=there, later=[(since + seconds, end)])


def _away(stage: Stage, program: Program, leave: Callable[[Program], None], seconds: float) -> Struck:
    """Stop a server that all users share for some seconds, and bring it back."""

    def come_back() -> None:
        program.thaw()
        if not program.running:
            program.start()
            program.wait()
        struck.back = time.monotonic()

    struck = _for_a_while(stage.everybody, seconds, come_back)
    leave(program)
    return struck


def _node(
    name: str, title: str, strike: Callable[[Stage], Struck], *, severs: bool = True, lost: bool = False
) -> Kind:
    return Kind(
        name=name,
        title=title,
        concern=Concern.LOST_NODE if lost else Concern.NODE,
        strike=strike,
        severs=severs,
    )


def _redis(name: str, title: str, strike: Callable[[Stage], Struck]) -> Kind:
    return Kind(name=name, title=title, concern=Concern.REDIS, strike=strike)


def _database(name: str, title: str, strike: Callable[[Stage], Struck]) -> Kind:
    return Kind(name=name, title=title, concern=Concern.DATABASE, strike=strike)


KINDS: Sequence[Kind] = (
    Kind(name="nothing", title="nothing, for comparison", concern=Concern.NOBODY, strike=_nothing),
    _node("kill", "a chat server is killed (-9)", _killed, severs=False, lost=True),
    _node("freeze", "it stands still for 20 s", _frozen, lost=True),
    _node(
        "freeze-transaction",
        "it stands still for 20 s, in a transaction",
        _frozen_in_a_transaction,
        lost=True,
    ),
    _node("vanish-idle", "it vanishes", _vanished_idle, lost=True),
    _node("vanish-transaction", "it vanishes in a transaction", _vanished_in_a_transaction, lost=True),
    _node("cut-database", "it does not reach the database for 15 s", _cut_off_from_the_database),
    _node(
        "cut-transaction",
        "it does not reach the database for 15 s, in a transaction",
        _cut_off_in_a_transaction,
    ),
    _node("cut-redis", "it does not reach Redis for 15 s", _cut_off_from_redis),
    _node("cut-balance", "it does not reach balance for 15 s", _cut_off_from_balance),
    _node("cut-peer", "it does not reach another chat server for 15 s", _cut_off_from_a_peer),
    _node("reset", "its clients' connections are reset in the middle of a frame", _reset, severs=False),
    _database("database-kill", "the database is killed (-9), and started", _database_killed),
    _database("database-stop", "the database is stopped for 5 s", _database_stopped),
    _database("database-freeze", "the database stands still for 5 s", _database_frozen),
    _database("database-failover", "a replica takes the place of the database", _database_failed_over),
    _redis("redis-flush", "Redis is flushed", _redis_flushed),
    _redis("redis-away", "Redis is away for 15 s", _redis_away),
    _redis("redis-failover", "a replica takes the place of Redis", _redis_failed_over),
)
