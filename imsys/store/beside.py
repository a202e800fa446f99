"""What is written beside messages, in their transaction: whom they mention, when they expire, and, in a group, that
their sender has written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from imsys.store.heads import GROUP, Head
from imsys.store.inserts import Insert


class Message(Protocol):
    """A stored message; see :class:`imsys.store.appending.Stored`."""

    @property
    def thread_id(self) -> int: ...  # noqa: D102
    @property
    def msg_id(self) -> int: ...  # noqa: D102
    @property
    def sender(self) -> int: ...  # noqa: D102
    @property
    def extra(self) -> str | None: ...  # noqa: D102
    @property
    def mentions(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def expires_at(self) -> int: ...  # noqa: D102


def beside(noted: Sequence[Message], messages: Sequence[Message], heads: Iterable[Head]) -> Iterator[Insert]:
    """What belongs to these messages of these threads; hardly ever anything.

    :param noted: those of them that have an ``extra``.
    """
    groups = {head.thread_id for head in heads if head.kind == GROUP}
    if groups:
        sent = {(m.thread_id, m.sender): m.msg_id for m in messages if m.thread_id in groups}
        yield Insert(
            "INSERT INTO members (thread_id, user_id, sent_id) VALUES ",
            [(*member, msg_id) for member, msg_id in sent.items()],
            " ON DUPLICATE KEY UPDATE sent_id = VALUES(sent_id)",
            " ON CONFLICT (thread_id, user_id) DO UPDATE SET sent_id = excluded.sent_id",
        )
    if not noted:
        return
    mentions = [(m.thread_id, user, m.msg_id) for m in noted for user in m.mentions]
    if mentions:
        yield Insert("INSERT INTO mentions (thread_id, user_id, msg_id) VALUES ", mentions)
    expiring = [(m.thread_id, m.msg_id, m.expires_at) for m in noted if m.expires_at]
    if expiring:
        yield Insert("INSERT INTO expiring (thread_id, msg_id, due_at) VALUES ", expiring)


def with_expiry(extra: str | None, seconds: int) -> str:
    """What a message says beside its content, with the seconds after which it expires."""
    found: dict[str, Any] = msgspec.json.decode(extra) if extra else {}
    return msgspec.json.encode({**found, "expires": seconds}).decode()
