"""What the services of the chat port work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsys.server.session import Caller, Session

if TYPE_CHECKING:
    from imsys.chat.directory import Directory
    from imsys.chat.file_context import FileContext
    from imsys.chat.live_context import LiveContext
    from imsys.chat.message_log import MessageLog
    from imsys.chat.node import Node
    from imsys.chat.outbound import Outbound
    from imsys.chat.unconfirmed import UnconfirmedWrites
    from imsys.redis.allowances import Allowances
    from imsys.redis.tokens import Tokens
    from imsys.store import Stores


@dataclass(frozen=True, slots=True)
class Chat:
    """What handlers of one chat server work with."""

    stores: Stores
    node: Node
    log: MessageLog
    directory: Directory
    outbound: Outbound
    unconfirmed: UnconfirmedWrites
    tokens: Tokens
    files: FileContext
    live: LiveContext
    allowances: Allowances
    demand: Callable[[], None] = lambda: None
    """Sees whether this server can serve anybody now. :raises Refused: 73, it cannot."""

    def context(self, session: Session, user: int) -> Context:
        """The surroundings of a session's requests."""
        return Context(session, user, self)


class Context(Caller, frozen=True):
    """A request's surroundings on a chat server."""

    chat: Chat
