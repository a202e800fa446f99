"""The context of the chat port's request handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsys.server.caller import Caller
from imsys.server.session import Session

if TYPE_CHECKING:
    from imsys.chat.directory import Directory
    from imsys.chat.file_context import FileContext
    from imsys.chat.live_context import LiveContext
    from imsys.chat.message_log import MessageLog
    from imsys.chat.node import Node
    from imsys.chat.outbound import Outbound
    from imsys.chat.presence import Presence
    from imsys.chat.receipts import Receipts
    from imsys.chat.typing import Typing
    from imsys.chat.unconfirmed import UnconfirmedWrites
    from imsys.config import ChatConfig
    from imsys.redis.allowances import Allowances
    from imsys.redis.tokens import Tokens
    from imsys.store import Stores


@dataclass(frozen=True, slots=True)
class Chat:
    """What all handlers of one chat server share."""

    stores: Stores
    node: Node
    log: MessageLog
    directory: Directory
    outbound: Outbound
    unconfirmed: UnconfirmedWrites
    tokens: Tokens
    files: FileContext
    live: LiveContext
    receipts: Receipts
    presence: Presence
    typing: Typing
    allowances: Allowances
    config: ChatConfig
    demand: Callable[[], None] = lambda: None
    """Checks that this server can serve users now. :raises Refused: SERVER_BUSY (73), it cannot."""

    def context(self, session: Session, user: int) -> Context:
        """Make the context of a session's requests."""
        return Context(session, user, self)


class Context(Caller, frozen=True):
    """The context of one request on a chat server."""

    chat: Chat
