"""Keys of a running server."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, globalLogPublisher
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from imsys.config import FilesConfig
from imsys.files.configured import master_key_file
from imsys.files.master import UnknownKey
from imsys.security.keyring import add_key
from imsys.security.tickets import Right, TicketKeys, Tickets
from imsys.services.key_reloader import INTERVAL, KeyReloader
from tests.support.children import folder


class Time(Clock):
    """Time made by hand, and the reactor's threads."""

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self._reactor = reactor

    def getThreadPool(self) -> Any:
        return self._reactor.getThreadPool()

    def callFromThread(self, *arguments: Any) -> None:
        self._reactor.callFromThread(*arguments)


class FreshKeysTests(TestCase):
    async def test_rotated(self) -> None:
        """A rotated key opens within seconds, and signs some seconds later, so that nobody gets a ticket that
        another server does not know yet; a file that cannot be read changes nothing, and is told once.
        """
        from twisted.internet import reactor

        path = folder("keys") / "tickets.keys"
        add_key(path, 1)
        clock, keys = Time(reactor), TicketKeys(path)
        fresh = KeyReloader(clock, keys)
        fresh.startService()
        self.addCleanup(fresh.stopService)
        tickets = Tickets(keys, clock.seconds, 60)
        before = tickets.issue(b"f" * 16, 1, Right.READ)
        made = add_key(path, 1)
        told: list[str] = []

        @implementer(ILogObserver)
        def hear(event: Any) -> None:
            if event.get("log_namespace") == "imsys.services.key_reloader" and "reason" in event:
                told.append(event["reason"])

        globalLogPublisher.addObserver(hear)
        self.addCleanup(globalLogPublisher.removeObserver, hear)
        other = Tickets(TicketKeys(path), clock.seconds, 60)  # of a server that has just started
        clock.advance(INTERVAL)
        await fresh._looking
        self.assertEqual(tickets.read(other.issue(b"f" * 16, 2, Right.READ)).user, 2)
        self.assertEqual(keys.signing()[0], before.split(".")[1])
        clock.advance(INTERVAL)
        await fresh._looking
        self.assertEqual(keys.signing()[0], made)
        self.assertEqual(tickets.read(before).user, 1)
        path.unlink()
        for _ in range(3):
            clock.advance(INTERVAL)
            await fresh._looking
        self.assertEqual((keys.signing()[0], len(told)), (made, 1))

    async def test_master_keys(self) -> None:
        """New files are under a rotated master key within seconds, those before it stay readable until its
        line is gone; a broken file changes nothing."""
        from twisted.internet import reactor

        path = folder("keys") / "files.keys"
        old = add_key(path, 0)
        kept = master_key_file(FilesConfig(master_keys=str(path)))
        assert kept is not None
        masters, clock = kept.keys, Time(reactor)
        fresh = KeyReloader(clock, kept)
        fresh.startService()
        self.addCleanup(fresh.stopService)
        before = masters.new()
        sealed = masters.seal(before).seal(0, True, b"x")
        made = add_key(path, 1)
        clock.advance(INTERVAL)
        await fresh._looking
        after = masters.new()
        self.assertEqual(
            [before.key_id, after.key_id, masters.seal(before).open(0, True, sealed)], [old, made, b"x"]
        )
        whole = path.read_text()
        path.write_text(whole[:-10])
        clock.advance(INTERVAL)
        await fresh._looking
        self.assertEqual((masters.current, masters.seal(before).open(0, True, sealed)), (made, b"x"))
        path.write_text(whole.splitlines()[0] + "\n")
        clock.advance(INTERVAL)
        await fresh._looking
        masters.seal(after)
        self.assertRaises(UnknownKey, masters.seal, before)
