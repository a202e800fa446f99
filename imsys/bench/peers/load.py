"""The same loads for XMPP servers: users who log in, and pairs who write to each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from imsys.bench.chatting import SMALLEST, ChatLoad, Writer
from imsys.bench.crowd import AGAIN, Crowd, Guests, Session
from imsys.bench.peers.xmpp import Stream, message, name_of
from imsys.bench.tasks import Chat, Task, User


class XmppCrowd(Crowd):
    """Users who arrive at an XMPP server.

    :param register: they only create their accounts, and leave.
    """

    def __init__(
        self, task: Task, kind: Callable[[User], Session] = Session, *, register: bool = False
    ) -> None:
        super().__init__(task, kind)
        self._register = register
        self.streams: dict[Session, Stream] = {}

    def arrive(
        self, users: Iterable[User], deadline: float, *, resume: bool = False, guests: Guests | None = None
    ) -> list[Session]:
        """As :class:`Crowd`; those who are there hear what the server says, and answer."""
        return super().arrive(users, deadline, resume=resume, guests=guests or self)

    def joined(self, session: Session) -> None:
        """Do nothing: there is no heartbeat."""

    def due(self, now: float) -> None:
        """Do nothing: there is no heartbeat."""

    def serve(self, session: Session, events: int) -> None:
        """Hear what the server says to one who waits for others to arrive."""
        try:
            data = session.recv(65536)
        except AGAIN:
            return
        except OSError:
            data = b""
        stream = self.streams[session]
        stream.receive(data)
        if not data or stream.failure:
            self.close(session)
        else:
            self.write(session, taken(stream))

    def _greet(self, session: Session) -> bytes:
        number, password, *_ = session.user
        stream = self.streams[session] = Stream(name_of(number), password, register=self._register)
        return taken(stream)

    def _answered(self, session: Session) -> bool:
        data = session.recv(65536)
        stream = self.streams[session]
        stream.receive(data)
        who = f"user {session.user[0]}"
        if not data or stream.failure:
            return self._fail(session, f"{who}: {stream.failure or 'the server closed the connection'}")
        session.send(taken(stream))
        if stream.ready:
            self._arrived(session)
            if self._register:
                self.close(session)
        return stream.ready

    def _drop(self, session: Session) -> None:
        super()._drop(session)
        self.streams.pop(session, None)


class XmppWriter(Writer):
    """A user who writes to their peer by XMPP."""

    __slots__ = ("run",)

    def prepare(self, run: str, size: int) -> None:
        """Make what is the same in all messages; the run is told in each, since a server may deliver
        messages of an earlier one.
        """
        self.run = run.encode()
        padding = "x" * (size - SMALLEST - len(run) - 1)
        self.before, self.between, self.behind = (
            message(self.user[4], f"|:{run}:{padding}", "|").encode().split(b"|")
        )


class XmppChatLoad(ChatLoad):
    """All pairs of one process, by XMPP.

    There is no heartbeat: the server asks for what was received often enough.
    """

    _crowd: XmppCrowd

    def __init__(self, task: Task, chat: Chat) -> None:
        super().__init__(task, chat, XmppCrowd(task, XmppWriter))

    def _settle(self, writer: Writer) -> None:
        writer.prepare(self._chat.run, self._chat.size)

    def _read(self, writer: Writer) -> None:
        assert isinstance(writer, XmppWriter)
        try:
            data = writer.recv(65536)
        except AGAIN:
            return
        except OSError:
            data = b""
        stream = self._crowd.streams[writer]
        bodies = stream.receive(data)
        now = time.monotonic_ns()
        for body in bodies:
            if body[SMALLEST : SMALLEST + len(writer.run)] == writer.run:
                self._came(writer.other, int(body[: SMALLEST - 1], 16), now)
        for number in range(writer.oldest, min(stream.acknowledged, len(writer.sent))):
            self._verified(writer, number, now)
            writer.oldest = number + 1
        self._refused, stream.refused = self._refused + stream.refused, 0
        if not data or stream.failure:
            self._crowd.close(writer)
            return
        if stream.out:
            self._crowd.write(writer, taken(stream))
        if self._sending:
            self._fill(writer)


def taken(stream: Stream) -> bytes:
    """Take what a stream wants to say."""
    said, stream.out = stream.out, b""
    return said
