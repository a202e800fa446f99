"""The load of groups: one speaks, and all others who are here hear it."""

from __future__ import annotations

import select
import time
from array import array

from imsys.bench.crowd import (
    ACK,
    AGAIN,
    BEAT_EVERY,
    BEATEN,
    PUSH,
    SIGNED_OUT,
    Beats,
    Crowd,
    Session,
    header,
    outcome,
)
from imsys.bench.tasks import Result, Speak, Task, User
from imsys.protocols.framing import CHAT

_LONGEST_WAIT = 0.02
_CONTENT = b'"msg_content":"'
_REQUEST = (
    '{{"text_sender":"{me}","text_receiver":"0","thread_id":"{thread}","text_msg":[{{"unique_id":"{run}-{me}-|",'
    '"msg_sender":"{me}","msg_receiver":"0","msg_content":"|:{padding}"}}]}}'
)
SMALLEST = 9
"""Characters of a text: its number, and a colon."""


class _Text:
    """One text on its way: when it was sent (ns), and to how many it has not come."""

    __slots__ = ("missing", "sent")

    def __init__(self, sent: int, missing: int) -> None:
        self.sent = sent
        self.missing = missing


class _Member(Session):
    """A user of a group; the first one speaks."""

    __slots__ = ("group", "last")

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.group: _Group
        self.last = -1


class _Group:
    """Those of one group, and what is said there."""

    def __init__(self, members: list[_Member], speak: Speak) -> None:
        self.members = members
        self.speaker = members[0]
        self.texts: list[_Text] = []
        self.flying = 0
        self.acked = 0
        uuid, _, _, _, _, thread = self.speaker.user
        text = _REQUEST.format(me=uuid, thread=thread, run=speak.run, padding="x" * (speak.size - SMALLEST))
        before, between, behind = text.encode().split(b"|")
        frame = CHAT.encode(23, before + bytes(8) + between + bytes(8) + behind)
        self.parts = frame[:4] + before, between, behind

    def next(self, when: int) -> bytes:
        """The frame of the next text."""
        number = b"%08x" % len(self.texts)
        self.texts.append(_Text(when, len(self.members) - 1))
        self.flying += 1
        before, between, behind = self.parts
        return b"".join((before, number, between, number, behind))


class GroupLoad:
    """All groups of one process."""

    def __init__(self, task: Task, speak: Speak) -> None:
        self._speak = speak
        self._users = task.users
        self._crowd = Crowd(task, _Member)
        self._beats = Beats(self._crowd, BEAT_EVERY)
        self._groups: list[_Group] = []
        self._sending = False
        self._begin = self._end = 0
        self._said = self._delivered = self._refused = self._misordered = 0
        self._each_us, self._last_us, self._ack_us = array("I"), array("I"), array("I")

    def arrive(self) -> None:
        """Log everyone in. :raises RuntimeError: a login is refused."""
        ready = {one.user[0]: one for one in self._crowd.arrive(self._users, time.monotonic() + 600)}
        if len(ready) < len(self._users):
            raise RuntimeError(self._crowd.first_failure() or "not everybody could log in in time")
        members = [ready[user[0]] for user in self._users]
        for start in range(0, len(members), self._speak.together):
            some = [one for one in members[start : start + self._speak.together] if isinstance(one, _Member)]
            group = _Group(some, self._speak)
            for one in some:
                one.group = group
                self._beats.join(one)
            self._groups.append(group)

    def work(self) -> Result:
        """Warm up, measure, and wait for what is on its way."""
        speak = self._speak
        start = time.monotonic()
        self._begin = int((start + speak.warmup) * 1e9)
        self._end = self._begin + int(speak.time * 1e9)
        self._sending = True
        self._run(start, start + speak.warmup)
        print("measuring", flush=True)
        cpu = time.process_time()
        self._run(start, start + speak.warmup + speak.time)
        seconds, cpu = time.monotonic() - start - speak.warmup, time.process_time() - cpu
        print("measured", flush=True)
        self._sending = False
        end = time.monotonic() + speak.drain
        while time.monotonic() < end and any(group.flying for group in self._groups):
            self._run(start, min(end, time.monotonic() + 0.05))
        return self._summary(seconds, cpu)

    def _run(self, start: float, end: float) -> None:
        poll, sessions, speak = self._crowd.poll.poll, self._crowd.by_descriptor, self._speak
        while (now := time.monotonic()) < end:
            wait = _LONGEST_WAIT
            if self._sending and speak.rate:
                said = sum(len(group.texts) for group in self._groups)
                while said < int((now - start) * speak.rate) + 1:
                    said += 1
                    planned = start + (said - 1) / speak.rate
                    self._say(self._groups[said % len(self._groups)], int(planned * 1e9))
                wait = min(wait, start + said / speak.rate - now)
            elif self._sending:
                for group in self._groups:
                    while group.flying < speak.window and group.speaker.open:
                        self._say(group, time.monotonic_ns())
            for descriptor, events in poll(max(0.0, min(wait, end - now))):
                if (session := sessions.get(descriptor)) is not None:
                    if events & ~select.EPOLLOUT:
                        self._read(session)
                    if session.out and session.open:
                        self._crowd.flush(session)
            self._beats.due(now)

    def _say(self, group: _Group, when: int) -> None:
        if group.speaker.open:
            self._crowd.write(group.speaker, group.next(when))

    def _read(self, session: Session) -> None:
        assert isinstance(session, _Member)
        try:
            data = session.recv(65536)
        except AGAIN:
            return
        except OSError:
            data = b""
        if not data:
            self._crowd.close(session)
            return
        if session.rest:
            data = session.rest + data
        now = time.monotonic_ns()
        start, end = 0, len(data)
        while end - start >= 4:
            service, total = header(data, start)
            if end - start < total:
                break
            if service == PUSH:
                self._heard(session, data, start, start + total, now)
            elif service == ACK:
                self._acknowledged(session.group, data[start + 4 : start + total], now)
            elif service == BEATEN:
                self._beats.waiting.pop(session, None)
            elif service == SIGNED_OUT:
                self._crowd.close(session)
                return
            start += total
        session.rest = data[start:] if start < end else b""

    def _heard(self, member: _Member, data: bytes, start: int, end: int, now: int) -> None:
        at = data.find(_CONTENT, start, end)
        while at >= 0:
            at += len(_CONTENT)
            number = int(data[at : at + 8], 16)
            if number <= member.last:
                self._misordered += 1
            member.last = number
            text = member.group.texts[number]
            text.missing -= 1
            measured = self._begin <= now < self._end
            if measured:
                self._delivered += 1
                self._each_us.append((now - text.sent) // 1000)
            if not text.missing:
                member.group.flying -= 1
                if measured:
                    self._said += 1
                    self._last_us.append((now - text.sent) // 1000)
            at = data.find(_CONTENT, at, end)

    def _acknowledged(self, group: _Group, body: bytes, now: int) -> None:
        if outcome(body).error:
            self._refused += 1
            group.flying -= 1
        elif self._begin <= now < self._end:
            self._ack_us.append((now - group.texts[group.acked].sent) // 1000)
        group.acked += 1

    def _summary(self, seconds: float, cpu: float) -> Result:
        members = [member for group in self._groups for member in group.members]
        counts = {
            "said": self._said,
            "delivered": self._delivered,
            "refused": self._refused,
            "misordered": self._misordered,
            "closed": sum(not member.open for member in members),
            "lost": sum(max(0, text.missing) for group in self._groups for text in group.texts)
            - self._refused * (self._speak.together - 1),
            "duplicated": sum(max(0, -text.missing) for group in self._groups for text in group.texts),
        }
        latencies = {
            "ack": self._ack_us.tobytes(),
            "each receiver": self._each_us.tobytes(),
            "last receiver": self._last_us.tobytes(),
        }
        return Result(seconds=seconds, counts=counts, latencies=latencies, cpu_seconds=cpu)
