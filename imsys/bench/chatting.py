"""The load of a chat: pairs of users who write to each other, at little cost for the generator.

It shares the machine with what it measures, so nothing is decoded that is not needed: the number of a text is
found at its place in the bytes of an acknowledgement or a push. What does not look as our server writes it is
decoded as JSON.
"""

from __future__ import annotations

import ctypes
import select
import sys
import time
from array import array

import msgspec

from imsys.bench.crowd import ACK, AGAIN, BEAT_EVERY, BEATEN, PUSH, SIGNED_OUT, Beats, Crowd, Session, header
from imsys.bench.tasks import Chat, Result, Task, User
from imsys.protocols.framing import CHAT

_BACK_OFF = 0.05
"""Seconds before another text is sent after one was refused."""

_LONGEST_WAIT = 0.02
_PR_SET_TIMERSLACK = 29

SMALLEST = 9
"""Characters of a text: its number, and a colon."""

_REQUEST = (
    '{{"text_sender":"{me}","text_receiver":"{peer}","thread_id":"{thread}","text_msg":[{{"unique_id":"{run}-{me}-|",'
    '"msg_sender":"{me}","msg_receiver":"{peer}","msg_content":"|:{padding}"}}]}}'
)
_FINE, _ID, _CONTENT = b'{"error":0,', b'"unique_id":"', b'"msg_content":"'


class _Verified(msgspec.Struct):
    unique_id: str


class _Ack(msgspec.Struct):
    error: int
    verified_msg: list[_Verified] = []


class _Item(msgspec.Struct):
    msg_content: str


class _Push(msgspec.Struct):
    text_msg: list[_Item]


_ack = msgspec.json.Decoder(_Ack).decode
_push = msgspec.json.Decoder(_Push).decode


class Writer(Session):
    """A user who writes to their peer.

    Of each of their texts: when it was sent (or should have been, in ns), and what became of it.
    """

    __slots__ = (
        "acked",
        "before",
        "behind",
        "between",
        "flying",
        "id_at",
        "last",
        "oldest",
        "other",
        "paused_until",
        "received",
        "sent",
    )

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.sent = array("q")
        self.acked = bytearray()  # 1 acknowledged, 2 refused
        self.received = bytearray()  # how often it came to the peer
        self.flying = 0
        self.oldest = 0  # no text before this one waits for its acknowledgement
        self.last = -1  # the highest number that came to the peer
        self.paused_until = 0.0
        self.other: Writer

    def prepare(self, run: str, size: int) -> None:
        """Make what is the same in all texts; numbers have a fixed width, so frames have one length."""
        uuid, _, _, _, peer, thread = self.user
        text = _REQUEST.format(me=uuid, peer=peer, thread=thread, run=run, padding="x" * (size - SMALLEST))
        before, between, behind = text.encode().split(b"|")
        frame = CHAT.encode(23, before + bytes(8) + between + bytes(8) + behind)
        self.before, self.between, self.behind = frame[:4] + before, between, behind
        self.id_at = len(_ID) + len(f"{run}-{uuid}-")


class ChatLoad:
    """All pairs of one process."""

    def __init__(self, task: Task, chat: Chat, crowd: Crowd | None = None) -> None:
        self._chat = chat
        self._users = task.users
        self._crowd = Crowd(task, Writer) if crowd is None else crowd
        self._beats = Beats(self._crowd, BEAT_EVERY)
        self._writers: list[Writer] = []
        self._senders: list[Writer] = []
        self._paused: set[Writer] = set()
        self._sending = False
        self._begin = self._end = 0  # of the measured time, in ns
        self._acked = self._delivered = self._refused = self._misordered = 0
        self._ack_us, self._delivery_us, self._late_us = array("I"), array("I"), array("I")
        self._open_loop = chat.rate > 0

    def arrive(self) -> None:
        """Log everyone in. :raises RuntimeError: a login is refused."""
        ready = {
            session.user[0]: session for session in self._crowd.arrive(self._users, time.monotonic() + 600)
        }
        if len(ready) < len(self._users):
            raise RuntimeError(self._crowd.first_failure() or "not everybody could log in in time")
        for user in self._users:
            session = ready[user[0]]
            assert isinstance(session, Writer)
            self._writers.append(session)
        for one, two in zip(self._writers[::2], self._writers[1::2], strict=True):
            one.other, two.other = two, one
        self._senders = self._writers[:: 2 if self._chat.oneway else 1]
        for writer in self._writers:
            self._settle(writer)

    def _settle(self, writer: Writer) -> None:
        writer.prepare(self._chat.run, self._chat.size)
        self._beats.join(writer)

    def work(self) -> Result:
        """Warm up, measure, and wait for the texts in flight."""
        chat = self._chat
        start = time.monotonic()
        self._begin = int((start + chat.warmup) * 1e9)
        self._end = self._begin + int(chat.time * 1e9)
        self._sending = True
        if self._open_loop:
            _fine_timers()
            self._run_on_schedule(start, start + chat.warmup)
        else:
            for writer in self._senders:
                self._fill(writer)
            self._run(start + chat.warmup)
        print("measuring", flush=True)
        cpu, end = time.process_time(), start + chat.warmup + chat.time
        if self._open_loop:
            self._run_on_schedule(start, end)
        else:
            self._run(end)
        seconds, cpu = time.monotonic() - start - chat.warmup, time.process_time() - cpu
        print("measured", flush=True)
        self._sending = False
        end = time.monotonic() + chat.drain
        while time.monotonic() < end and any(self._missing(writer) for writer in self._senders):
            self._run(min(end, time.monotonic() + 0.05))
        return self._summary(seconds, cpu)

    def _run(self, end: float) -> None:
        """Answer each text that arrives with the next one."""
        poll, sessions, monotonic = self._crowd.poll.poll, self._crowd.by_descriptor, time.monotonic
        while (now := monotonic()) < end:
            for descriptor, events in poll(min(_LONGEST_WAIT, end - now)):
                if descriptor in sessions:
                    self._serve(sessions[descriptor], events)
            if self._paused:
                self._go_on(now)
            self._beats.due(now)

    def _run_on_schedule(self, start: float, end: float) -> None:
        """Send texts at their scheduled times, in turn from all senders, without waiting for answers."""
        crowd, senders, rate, sessions = (
            self._crowd,
            self._senders,
            self._chat.rate,
            self._crowd.by_descriptor,
        )
        count, last, now = sum(len(writer.sent) for writer in senders), round((end - start) * rate), 0.0
        while now < end:
            now = time.monotonic()
            due = min(int((now - start) * rate), last)
            while count < due:
                count += 1
                planned = int((start + count / rate) * 1e9)
                writer = senders[count % len(senders)]
                if writer.open:
                    crowd.write(writer, self._text(writer, planned))
                    if self._begin <= planned < self._end:
                        self._late_us.append(max(0, time.monotonic_ns() - planned) // 1000)
            # epoll counts in milliseconds, select in microseconds
            select.select(
                [crowd.poll],
                [],
                [],
                max(0.0, min(_LONGEST_WAIT, start + (count + 1) / rate - time.monotonic())),
            )
            for descriptor, events in crowd.poll.poll(0):
                if descriptor in sessions:
                    self._serve(sessions[descriptor], events)
            self._beats.due(now)

    def _serve(self, session: Session, events: int) -> None:
        assert isinstance(session, Writer)
        if events & ~select.EPOLLOUT:
            self._read(session)
        if session.out and session.open:
            self._crowd.flush(session)

    def _read(self, writer: Writer) -> None:
        try:
            data = writer.recv(65536)
        except AGAIN:
            return
        except OSError:
            data = b""
        if not data:
            self._crowd.close(writer)
            return
        if writer.rest:
            data = writer.rest + data
        now = time.monotonic_ns()
        start, end = 0, len(data)
        while end - start >= 4:
            service, total = header(data, start)
            if end - start < total:
                break
            if service == ACK:
                self._acknowledged(writer, data, start + 4, start + total, now)
            elif service == PUSH:
                self._arrived(writer.other, data, start + 4, start + total, now)
            elif service == BEATEN:
                self._beats.waiting.pop(writer, None)
            elif service == SIGNED_OUT:
                self._crowd.close(writer)
                return
            start += total
        writer.rest = data[start:] if start < end else b""
        if self._sending and not self._open_loop:
            self._fill(writer)

    def _fill(self, writer: Writer) -> None:
        missing = self._chat.window - writer.flying
        if (
            missing <= 0
            or writer.paused_until
            or not writer.open
            or (self._chat.oneway and writer not in self._senders)
        ):
            return
        now = time.monotonic_ns()
        frames = (
            self._text(writer, now)
            if missing == 1
            else b"".join([self._text(writer, now) for _ in range(missing)])
        )
        if writer.out:
            writer.out += frames
            return
        try:
            sent = writer.send(frames)
        except AGAIN:
            sent = 0
        except OSError:
            self._crowd.close(writer)
            return
        if sent < len(frames):
            writer.out = frames[sent:]
            self._crowd.flush(writer)

    @staticmethod
    def _text(writer: Writer, when: int) -> bytes:
        number = b"%08x" % len(writer.sent)
        writer.sent.append(when)
        writer.acked.append(0)
        writer.received.append(0)
        writer.flying += 1
        return b"".join((writer.before, number, writer.between, number, writer.behind))

    def _acknowledged(self, writer: Writer, data: bytes, start: int, end: int, now: int) -> None:
        at = data.find(_ID, start, end) if data.startswith(_FINE, start) else -1
        if at < 0:
            ack = _ack(data[start:end])
            if ack.error or not ack.verified_msg:
                self._turned_down(writer)
                return
            number = int(ack.verified_msg[0].unique_id[-8:], 16)
        else:
            at += writer.id_at
            number = int(data[at : at + 8], 16)
        self._verified(writer, number, now)

    def _verified(self, writer: Writer, number: int, now: int) -> None:
        if writer.acked[number]:
            return
        writer.acked[number] = 1
        writer.flying -= 1
        sent = writer.sent[number]
        if self._is_measured(sent if self._open_loop else now):
            self._acked += 1
            self._ack_us.append((now - sent) // 1000)

    def _turned_down(self, writer: Writer) -> None:
        """Responses leave in the order of the requests, so it is about the oldest that waits."""
        while writer.oldest < len(writer.acked) and writer.acked[writer.oldest]:
            writer.oldest += 1
        if writer.oldest < len(writer.acked):
            writer.acked[writer.oldest] = 2
            writer.flying -= 1
        self._refused += 1
        writer.paused_until = time.monotonic() + _BACK_OFF
        self._paused.add(writer)

    def _go_on(self, now: float) -> None:
        for writer in [one for one in self._paused if one.paused_until <= now]:
            self._paused.discard(writer)
            writer.paused_until = 0.0
            if self._sending:
                self._fill(writer)

    def _arrived(self, sender: Writer, data: bytes, start: int, end: int, now: int) -> None:
        at = data.find(_CONTENT, start, end)
        if at < 0:
            numbers = [int(item.msg_content[:8], 16) for item in _push(data[start:end]).text_msg]
        else:
            numbers = []
            while at >= 0:
                at += len(_CONTENT)
                numbers.append(int(data[at : at + 8], 16))
                at = data.find(_CONTENT, at, end)
        for number in numbers:
            self._came(sender, number, now)

    def _came(self, sender: Writer, number: int, now: int) -> None:
        times = sender.received[number]
        sender.received[number] = min(255, times + 1)
        if times:
            return
        if number < sender.last:
            self._misordered += 1
        else:
            sender.last = number
        sent = sender.sent[number]
        if self._is_measured(sent if self._open_loop else now):
            self._delivered += 1
            self._delivery_us.append((now - sent) // 1000)

    def _is_measured(self, moment: int) -> bool:
        return self._begin <= moment < self._end

    @staticmethod
    def _missing(writer: Writer) -> bool:
        if writer.open and writer.flying:
            return True
        return writer.other.open and writer.acked.count(1) > len(writer.received) - writer.received.count(0)

    def _summary(self, seconds: float, cpu: float) -> Result:
        counts = {
            "acked": self._acked,
            "delivered": self._delivered,
            "messages": sum(writer.acked.count(1) for writer in self._writers),
            "refused": self._refused,
            "misordered": self._misordered,
            "closed": sum(not writer.open for writer in self._writers),
            "unacknowledged": sum(writer.flying for writer in self._writers),
            "duplicated": sum(
                times - 1 for writer in self._writers for times in writer.received if times > 1
            ),
            "lost": sum(
                1
                for writer in self._writers
                for acked, times in zip(writer.acked, writer.received, strict=True)
                if acked == 1 and not times
            ),
        }
        latencies = {"ack": self._ack_us.tobytes(), "delivery": self._delivery_us.tobytes()}
        if self._open_loop:
            latencies["generator late"] = self._late_us.tobytes()
        fates = {
            str(writer.user[0]): bytes(
                (acked == 1) + 2 * bool(times)
                for acked, times in zip(writer.acked, writer.received, strict=True)
            )
            for writer in (self._writers if self._chat.fates else ())
        }
        return Result(seconds=seconds, counts=counts, latencies=latencies, cpu_seconds=cpu, fates=fates)


def _fine_timers() -> None:
    """Ask the kernel to wake this process at the microsecond, not up to 50 of them later."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1000)
