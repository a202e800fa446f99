"""The process of the users: ``python -m imsys.bench.lab.company``, which reads its invitation and then
commands from standard input.

Each line of standard output is the answer to one line of standard input; the answer to the invitation is a
state, when all are online.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import msgspec
from twisted.internet import stdio
from twisted.internet.defer import gatherResults
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from imsys.bench.lab.person import Notes, Person
from imsys.bench.lab.words import (
    Account,
    Command,
    Invitation,
    Look,
    Move,
    Reset,
    Said,
    Say,
    State,
    Talk,
    Tell,
)

_commands = msgspec.json.Decoder(Command)


class Company(LineReceiver):
    """All users of one process."""

    delimiter = b"\n"
    MAX_LENGTH = 1 << 24

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._people: dict[int, Person] = {}
        self._notes = Notes()
        self._since = 0.0
        self._signed_out = 0

    def lineReceived(self, line: bytes) -> None:
        """Handle the invitation, or a command."""
        if not self._people:
            self._invite(msgspec.json.decode(line, type=Invitation))
        else:
            self._answer(self._do(_commands.decode(line)))

    def connectionLost(self, reason: Failure | None = None) -> None:
        """Stop when standard input ends."""
        if self._reactor.running:
            self._reactor.stop()

    def _invite(self, invitation: Invitation) -> None:
        for guest in invitation.guests:
            self._people[guest.uuid] = Person(self._reactor, invitation, guest, self._notes)
        arriving = gatherResults([person.arrive() for person in self._people.values()], consumeErrors=True)
        arriving.addCallbacks(lambda _: self._answer(self._state()), self._failed)

    def _failed(self, reason: Failure) -> None:
        sys.stderr.write(f"{reason}\n")
        assert self.transport is not None
        self.transport.loseConnection()

    def _do(self, command: Command) -> State | Said | Account:
        match command:
            case Talk(every):
                for person in self._people.values():
                    person.talk(every)
            case Say(uuids):
                return Said([self._people[uuid].say().number for uuid in uuids])
            case Move(hosts):
                for uuid, host in hosts.items():
                    self._people[uuid].move(host)
            case Look(since):
                self._since = max(self._since, since)
            case Reset(uuids):
                for place, uuid in enumerate(uuids):
                    self._people[uuid].reset("write" if place % 2 else "read")
            case Tell():
                return self._account()
        return self._state()

    def _state(self) -> State:
        people = self._people.values()
        firsts = {person.guest.uuid: person.first_after(self._since) for person in people}
        notes = self._notes.open()
        return State(
            now=time.monotonic(),
            online=[person.guest.uuid for person in people if person.online],
            where={person.guest.uuid: where for person in people if (where := person.where)},
            first={uuid: first for uuid, first in firsts.items() if first},
            unacknowledged=sum(not note.settled for note in notes),
            unheard=sum(bool(note.acknowledged) and not note.told for note in notes),
            signed_out=self._signed_out + sum(len(person.signed_out) for person in people),
        )

    def _account(self) -> Account:
        heard, signed_out = [], []
        for person in self._people.values():
            heard += person.heard
            signed_out += person.signed_out
            person.heard, person.signed_out = [], []
        self._signed_out += len(signed_out)
        texts = [note.text() for note in self._notes.close()] + [note.text() for note in self._notes.open()]
        return Account(texts=texts, heard=heard, signed_out=signed_out)

    def _answer(self, answer: State | Said | Account) -> None:
        self.sendLine(msgspec.json.encode(answer))


def main() -> None:
    """Run until standard input ends."""
    from twisted.internet import reactor

    real: Any = reactor
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    stdio.StandardIO(Company(real))
    real.run()


if __name__ == "__main__":
    main()
