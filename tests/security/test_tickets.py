"""Tickets: for one file or live stream, one user and one right, for a while."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imsys.errors import Refused, Status
from imsys.protocols.identifiers import new_file_id
from imsys.security.keyring import add_key
from imsys.security.tickets import Right, TicketKeys, Tickets
from tests.support.children import folder


class TicketTests(SynchronousTestCase):
    def setUp(self) -> None:
        path = folder("keys") / "tickets.keys"
        add_key(path, 1)
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.tickets = Tickets(TicketKeys(path), self.clock.seconds, 3600)
        self.file_id = new_file_id()

    def refused(self, text: str, right: Right) -> None:
        with self.assertRaises(Refused) as caught:
            self.tickets.check(text, self.file_id, right)
        self.assertEqual(caught.exception.status, Status.PERMISSION_DENIED)
        self.assertNotIn(text, str(caught.exception))

    def test_rights(self) -> None:
        """Each right opens what it is for, and nothing else; none can be made of another."""
        for right in Right:
            text = self.tickets.issue(self.file_id, 7, right)
            self.assertEqual(self.tickets.check(text, self.file_id, right).user, 7)
            for other in set(Right) - {right}:
                self.refused(text, other)
                self.refused(text.replace(f".{right.value}.", f".{other.value}."), other)

    def test_life(self) -> None:
        """A ticket lives as long as is said, or else as tickets do."""
        play, publish = (
            self.tickets.issue(self.file_id, 7, Right.PLAY, 600),
            self.tickets.issue(self.file_id, 7, Right.PUBLISH),
        )
        self.clock.advance(599)
        self.assertEqual(self.tickets.check(play, self.file_id, Right.PLAY).expires, 1_700_000_600)
        self.clock.advance(1)
        self.refused(play, Right.PLAY)
        self.tickets.check(publish, self.file_id, Right.PUBLISH)
        self.clock.advance(3000)
        self.refused(publish, Right.PUBLISH)
        self.refused(self.tickets.issue(self.file_id, 7, Right.PLAY, 0), Right.PLAY)
