"""Connections that carry frames: their deadlines, and flow control in both directions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from constantly import NamedConstant
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from zope.interface import classImplements

from imsys.errors import PeerFault
from imsys.protocols import deserted
from imsys.protocols.connection.flow import DONE, ENDED, NEXT_TURN, PEER, RECEIVER, FlowControl
from imsys.protocols.connection.linger import CLOSING, GONE, OPEN, Linger
from imsys.protocols.deadlines import DeadlineWheel
from imsys.protocols.framing import LARGE, Frame, FrameDecoder, FrameFault, FrameFormat
from imsys.protocols.paced import Pace, PacedTransport
from imsys.protocols.unsent import Unsent
from imsys.util.tallies import Tally

_log = Logger()

LINGER = 10.0
"""Seconds that a peer has to take its last bytes before the connection is cut."""


BUFFERED = 1 << 17
"""Bytes that a transport holds, roughly, when it says that its buffer is full: 64 KiB by Twisted's measure,
and what was written last.
"""


TURN = 128
"""Frames of a connection that are handed on in one turn: a read may have tens of thousands of empty ones, and
the others wait meanwhile.
"""


LINES = 5
"""Lines of one kind that are written of a minute's connections; the others are counted."""


class FrameReceiver(Protocol):
    """Takes what comes from one connection."""

    def received(self, frame: Frame) -> None:
        """Take a frame. :raises PeerFault: the connection is to be closed."""
        ...

    def finished(self) -> None:
        """Learn that the peer sends nothing more; it may still read."""
        ...

    def lost(self) -> None:
        """Learn that the connection is gone."""
        ...


class Unfinished:
    """Counts the bytes of large frames that are not complete yet, of all connections together.

    :param limit: bytes of them at most.
    :param strangers: bytes beyond which nobody who is not logged in may have any.
    """

    def __init__(self, limit: int = 1 << 28, strangers: int = 1 << 26) -> None:
        self.limit = limit
        self.strangers = strangers
        self.bytes = 0


class Complaints:
    """Logs why connections were closed, a few lines of a kind a minute: anybody can cause them as often as
    they like.
    """

    def __init__(self, clock: IReactorTime) -> None:
        def tally(level: NamedConstant, text: str, log: Logger = _log) -> Tally:
            return Tally(clock, log, level, text, lines=LINES)

        self.fault = tally(LogLevel.info, "closing the connection from {peer}: {reason}")
        self.stranger = tally(LogLevel.info, "closing the connection from {peer}: it did not log in")
        self.unread = tally(LogLevel.info, "cutting the connection from {peer}: {bytes} bytes were not read")
        self.full = tally(
            LogLevel.warn,
            "cutting the connection from {peer}: there is no room for all the frames that are not whole",
        )
        self.mistake = tally(
            LogLevel.critical, "the handler of {request} failed", Logger("imsys.server.dispatch")
        )

    def stop(self) -> None:
        """Log what was counted and not written."""
        for tally in (self.fault, self.stranger, self.unread, self.full, self.mistake):
            tally.stop()


@dataclass(frozen=True, slots=True)
class WireSettings:
    """Bytes and seconds; see the keys of the same names in the configuration."""

    format: FrameFormat
    max_frame: int
    login_deadline: float
    heartbeat_timeout: float
    high_water: int
    unsent: Unsent
    complaints: Complaints
    unfinished: Unfinished = field(default_factory=Unfinished)
    pace: Pace | None = None
    """For clients on a plaintext port that take one frame a read; without one, all of them read a stream."""


class FrameConnection:
    """One connection that carries frames.

    Reading stops while its receiver, or the peer's own slowness to read, asks
    for it. Up to ``high_water`` bytes wait for a slow peer; then it is cut off.
    """

    __slots__ = (
        "_buffered", "_decoder", "_flow", "_known", "_later", "_now", "_settings", "_unfinished", "_unsent", "_unsent_bytes", "_wheel",
        "deadline", "factory", "linger", "receiver", "room", "transport", "why",
    )  # fmt: skip

    _flow: FlowControl
    linger: Linger
    """How far it is from its end; set, as the flow control, when it is connected."""
    factory: Any
    """What has made it; Twisted's own factories say so."""

    def __init__(self, settings: WireSettings, wheel: DeadlineWheel) -> None:
        self._settings = settings
        self._wheel = wheel
        self._now = wheel.now
        self._decoder = FrameDecoder(settings.format, settings.max_frame)
        self._unsent: list[bytes] | None = None
        self._unsent_bytes = 0
        self._buffered = 0  # what the transport's buffer is counted as while it is full
        self._unfinished = 0
        self._known = False
        self._later: tuple[list[Frame], PeerFault | None] | None = None  # what is handed on in the next turns
        self.why = ""
        """Why it ends, for the log; empty as long as it does not."""
        self.deadline = 0.0
        self.receiver: FrameReceiver | None = None
        self.room: Callable[[], None] | None = None
        """Called when there is room again after the peer was slow to read."""
        self.transport: Any = None

    @property
    def peer(self) -> IAddress:
        """The address at the other end."""
        address: IAddress = self.transport.getPeer()
        return address

    @property
    def closing(self) -> bool:
        """Whether it is closed, or about to be: nothing can be sent any more."""
        return self.linger.phase is not OPEN

    @property
    def choked(self) -> bool:
        """Whether the transport's buffer is full: what is sent now waits here."""
        return bool(self._flow.held & PEER) or self.linger.phase is not OPEN

    @property
    def plaintext(self) -> bool:
        """Whether it has no TLS."""
        return not ISSLTransport.providedBy(self.transport)

    @property
    def deserted(self) -> bool:
        """Whether the peer has gone, although some of what it sent may be read only now."""
        return deserted.deserted(self.transport)

    def makeConnection(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport
        self.connectionMade()

    def connectionMade(self) -> None:
        """Start the login deadline."""
        self._flow = FlowControl(self.transport)
        self.linger = Linger(self._wheel, self._flow)
        self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._wheel.expire(self, self._settings.login_deadline)

    def dataReceived(self, data: bytes) -> None:
        """Cut frames from bytes, and hand them to the receiver."""
        if self.linger.phase is not OPEN:
            return
        fault: PeerFault | None = None
        try:
            frames = self._decoder.feed(data)
        except FrameFault as error:
            frames, fault = error.frames, error
        if self._later is not None:  # reading was stopped, but TLS had more
            self._later = self._later[0] + frames, fault
        elif not self._hand_on(frames, fault):
            self._release(0)
        if self._decoder.needed > LARGE or self._unfinished:
            self._count(self._decoder.pending)

    def _hand_on(self, frames: list[Frame], fault: PeerFault | None) -> bool:
        """Hand a turn's worth of frames to the receiver, and a fault behind the last of them.

        Return whether these were all.
        """
        if len(frames) > TURN:
            self._later = frames[TURN:], fault
            frames, fault = frames[:TURN], None
        linger = self.linger
        try:
            assert self.receiver is not None
            for frame in frames:
                self.receiver.received(frame)
                if linger.phase is not OPEN:
                    break
        except PeerFault as error:
            fault = error
        if fault is not None and linger.phase is OPEN:
            self.complain(str(fault))
            self.close(str(fault))
        return self._later is None

    def _go_on(self) -> None:
        """Hand on what waits, unless the receiver or the peer holds: the next turn has come."""
        flow = self._flow
        if self._later is not None and not flow.held & (RECEIVER | PEER):
            later, self._later = self._later, None
            if (
                self._hand_on(*later)
                and flow.held & ENDED
                and self.linger.phase is OPEN
                and self.receiver is not None
            ):
                self.receiver.finished()
        if self._later is not None and not flow.held & (RECEIVER | PEER):
            self._wheel.soon(self._go_on)
        else:
            flow.release(NEXT_TURN)

    def _release(self, reason: int) -> None:
        """Remove a reason to hold, if any; what waits is handed on before more is read."""
        flow = self._flow
        if self._later is not None and not flow.held & (RECEIVER | PEER | NEXT_TURN) & ~reason:
            flow.hold(NEXT_TURN)
            self._wheel.soon(self._go_on)
        flow.release(reason)

    def _count(self, pending: int) -> None:
        """Count what waits for the rest of a large frame.

        Cut the connection if all of them together have too much.
        """
        together = self._settings.unfinished
        together.bytes += pending - self._unfinished
        self._unfinished = pending
        if together.bytes > (together.limit if self._known else together.strangers) and pending > LARGE:
            self._settings.complaints.full.add(peer=self.peer)
            self.abort("there is no room for its frames")

    def complain(self, reason: str) -> None:
        """Log why it is going to be closed."""
        self._settings.complaints.fault.add(peer=self.peer, reason=reason)

    def failed(self, request: str) -> None:
        """Log the exception that is being handled: a request failed by a mistake of ours."""
        self._settings.complaints.mistake.add(request=request, log_failure=Failure())

    def logged_in(self) -> None:
        """Replace the login deadline by the heartbeat's."""
        self._known = True
        if self.linger.phase is OPEN:
            self._wheel.expire(self, self._settings.heartbeat_timeout)

    def one_at_a_time(self) -> None:
        """Send one frame at a time from now on, on ports that are configured so."""
        if (
            self._settings.pace is not None
            and self.plaintext
            and not self.closing
            and not isinstance(self.transport, PacedTransport)
        ):
            self.transport = self._flow.transport = PacedTransport(
                self.transport, self, self._settings.pace, self._settings.unsent
            )

    def alive(self) -> None:
        """Put the heartbeat deadline off, since a logged-in peer has sent a frame."""
        self.deadline = self._now() + self._settings.heartbeat_timeout

    def expired(self) -> None:
        """Close, since nothing came in time."""
        if self._flow.held & (RECEIVER | PEER) == RECEIVER:  # it may have spoken: nobody listened
            self._wheel.expire(self, self._settings.heartbeat_timeout)
            return
        if not self._known:  # what becomes of a login is said where logins are
            self._settings.complaints.stranger.add(peer=self.peer)
        self.close("it was silent for too long")

    def send(self, data: bytes) -> None:
        """Send whole frames, now or when the peer has room.

        Past the high-water mark the connection is cut.
        """
        if self._flow.held:  # else nothing is in the way, as nearly always
            if self.linger.phase is not OPEN:
                return
            if self._flow.held & PEER:
                self._keep(data)
                return
        self.transport.write(data)

    def _keep(self, data: bytes) -> None:
        together = self._settings.unsent
        waiting = self._unsent_bytes + len(data)
        if waiting > self._settings.high_water or together.bytes + len(data) > together.limit:
            self._cut(waiting)
            return
        if self._unsent is None:
            self._unsent = []
        self._unsent.append(data)
        self._unsent_bytes = waiting
        together.bytes += len(data)

    def _cut(self, waiting: int) -> None:
        self._settings.complaints.unread.add(peer=self.peer, bytes=waiting)
        self.abort(f"{waiting} bytes were not read")

    def abort(self, why: str) -> None:
        """Cut the connection at once, and tell the peer nothing."""
        if self.linger.phase is GONE:
            return
        self.why = self.why or why
        self._forget_received()
        self._take_unsent()
        self.linger.abort()

    def _forget_received(self) -> None:
        self._later = None
        self._decoder.forget()  # now: what is left of a connection may wait long to be collected
        self._settings.unfinished.bytes -= self._unfinished
        self._unfinished = 0
        self._wheel.remove(self)

    def _take_unsent(self) -> list[bytes]:
        unsent, self._unsent = self._unsent or [], None
        self._settings.unsent.bytes -= self._unsent_bytes + self._buffered
        self._unsent_bytes = self._buffered = 0
        return unsent

    def hold_reading(self, hold: bool) -> None:
        """Stop reading, since the receiver has enough, or go on."""
        if hold:
            self._flow.hold(RECEIVER)
        else:
            self._release(RECEIVER)

    def end_reading(self) -> None:
        """Read nothing more."""
        self._later = None
        self._flow.hold(DONE)

    def pauseProducing(self) -> None:
        """Keep what is sent next here, and do not let the peer ask for more: the transport's buffer is full."""
        together, phase = self._settings.unsent, self.linger.phase
        self._flow.hold(PEER)
        if not self._buffered and phase is not GONE:
            if together.bytes + BUFFERED > together.limit and phase is OPEN:
                self._cut(BUFFERED)
                return
            self._buffered = BUFFERED
            together.bytes += BUFFERED

    def resumeProducing(self) -> None:
        """Send what waits: the transport has room again."""
        if unsent := self._take_unsent():
            self.transport.write(b"".join(unsent))
            if self._buffered:  # that was too much again
                return
        self._release(PEER)
        if self.linger.phase is CLOSING:
            self.linger.finish(self.transport.loseConnection)
        elif self.room is not None and self.linger.phase is OPEN:
            self.room()

    def readConnectionLost(self) -> None:
        """Tell the receiver that the peer has closed its half, behind the last frame.

        The receiver answers and closes.
        """
        if not self._flow.held & ENDED:
            self._flow.hold(ENDED)
            if self.receiver is not None and self.linger.phase is OPEN and self._later is None:
                self.receiver.finished()

    def writeConnectionLost(self) -> None:
        """Do nothing: we never close our half alone."""

    def stopProducing(self) -> None:
        """Do nothing: :meth:`connectionLost` follows."""

    def close(self, why: str = "the server closed it") -> None:
        """Close after the last byte is sent.

        A peer that does not take it within :data:`LINGER` is cut off.
        """
        if self.linger.close(LINGER):
            self.why = why
            self._forget_received()
            if not self._flow.held & PEER:
                self.linger.finish(self.transport.loseConnection)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Forget everything."""
        self.linger.lost()
        self._forget_received()
        self._take_unsent()
        if not self.why:
            self.why = "the client closed it" if reason.check(ConnectionDone) else "the connection broke"
        if not reason.check(ConnectionDone):
            _log.debug(
                "the connection from {peer} broke: {reason}", peer=self.peer, reason=reason.getErrorMessage()
            )
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.lost()


# below it: no decorator, which a class that is compiled to one of C could not have
classImplements(FrameConnection, IProtocol, IHalfCloseableProtocol, IPushProducer)
