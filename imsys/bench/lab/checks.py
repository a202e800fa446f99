"""Whether the promise held: what was acknowledged is stored once, in order, and has been received by the
other one, once and in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from imsys.bench.lab.cluster import Cluster
from imsys.bench.lab.words import Account, Guest


class PromiseCheck(msgspec.Struct, kw_only=True):
    """How often each kind of violation was found, and an example of each."""

    counts: Counter[str]
    examples: list[str]


class Promise:
    """Looks at all texts once, some at a time: always those that came after the last look."""

    def __init__(self, cluster: Cluster, guests: Sequence[Guest]) -> None:
        self._cluster = cluster
        self._peer_of = {guest.uuid: guest.peer for guest in guests}
        self._until = dict.fromkeys((guest.thread for guest in guests), 0)  # ids grow within a thread

    def check(self, account: Account) -> PromiseCheck:
        """Compare what users say with the history, when nothing is on its way.

        The counts are ``lost``, ``duplicated`` and ``misordered`` of what was acknowledged, and ``unseen``,
        ``seen twice`` and ``seen misordered`` of what is stored and the other one is to see.
        """
        stored = self._history()
        heard: dict[int, list[int]] = {}
        for item in account.heard:
            heard.setdefault(self._peer_of[item.uuid], []).append(item.number)
        verdict = PromiseCheck(counts=Counter(), examples=[])
        ids = {number: msg_id for entries in stored.values() for number, msg_id in entries}
        lost = [
            text.number for text in account.texts if text.acknowledged and ids.get(text.number) != text.msg_id
        ]
        _note(verdict, "lost", lost)
        for sender in self._peer_of:
            numbers, seen = [number for number, _ in stored.get(sender, [])], heard.get(sender, [])
            _note(verdict, "duplicated", _repeated(numbers))
            _note(verdict, "misordered", _not_ascending(numbers))
            _note(verdict, "unseen", set(numbers) - set(seen))
            _note(verdict, "seen twice", _repeated(seen))
            _note(verdict, "seen misordered", _not_ascending(seen))
        return verdict

    def _history(self) -> dict[int, list[tuple[int, int]]]:
        """The numbers and ids of each user's texts that are new in the history, in its order."""
        new = " OR ".join(
            f"(thread_id = {thread} AND msg_id > {until})" for thread, until in self._until.items()
        )
        rows = self._cluster.database.rows(
            "SELECT thread_id, msg_id, sender_id, content FROM imsys.messages "  # noqa: S608 (numbers)
            f"WHERE unique_id IS NOT NULL AND ({new}) ORDER BY thread_id, msg_id"
        )
        found: dict[int, list[tuple[int, int]]] = {}
        for thread, msg_id, sender, content in rows:
            found.setdefault(sender, []).append((int(content.split(" ", 1)[0]), msg_id))
            self._until[thread] = msg_id
        return found


def _note(verdict: PromiseCheck, what: str, numbers: Iterable[int]) -> None:
    if found := list(numbers):
        verdict.counts[what] += len(found)
        verdict.examples.append(f"{what}: text {min(found)}")


def _repeated(numbers: list[int]) -> list[int]:
    return [number for number, count in Counter(numbers).items() if count > 1]


def _not_ascending(numbers: list[int]) -> list[int]:
    return [after for before, after in pairwise(numbers) if after < before]
