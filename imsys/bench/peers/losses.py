"""What became of messages that were under way when a server was killed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from imsys.bench.peers.peer import Copy
from imsys.bench.tasks import User

_ACKNOWLEDGED, _DELIVERED = 1, 2


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Counts of messages."""

    acknowledged: int
    delivered: int
    """Of those: they came to the receiver before the server was killed."""
    kept: int
    """Of those that were acknowledged: the receiver has a copy in the archive, too."""
    gone: int
    """Of those that were acknowledged: they did not come, and there is no copy for the receiver."""
    nowhere: int
    """Of the latter: the sender has no copy either."""


def losses(fates: Mapping[str, bytes], users: Sequence[User], copies: Collection[Copy]) -> Losses:
    """Compare what was acknowledged with what came, and with what is in the archives now.

    :param fates: as in :class:`~imsys.bench.tasks.Result`.
    """
    peers = {user[0]: user[4] for user in users}
    acknowledged = delivered = kept = gone = nowhere = 0
    for name, texts in fates.items():
        sender = int(name)
        for number, fate in enumerate(texts):
            if not fate & _ACKNOWLEDGED:
                continue
            acknowledged += 1
            has_copy = (peers[sender], sender, number) in copies
            kept += has_copy
            if fate & _DELIVERED:
                delivered += 1
            elif not has_copy:
                gone += 1
                nowhere += (sender, sender, number) not in copies
    return Losses(acknowledged=acknowledged, delivered=delivered, kept=kept, gone=gone, nowhere=nowhere)
