"""The client library: everything a bot, a user interface or a test needs to take part.

See ``docs/sdk.md``. All of it takes the reactor as an argument and none of it imports one.
"""

from imsys.errors import Refused, Status, Unavailable
from imsys.sdk.attachments import Attachment, Grant
from imsys.sdk.client import Client
from imsys.sdk.delivery import MessageStream
from imsys.sdk.gateway import Gateway, Login, Resources
from imsys.sdk.link import Credentials, Timing
from imsys.sdk.model import (
    ConnectionState,
    Friend,
    FriendRequest,
    Friendship,
    Message,
    MessageKind,
    Person,
    Position,
    StateChange,
    Thread,
)
from imsys.sdk.outbox import Outgoing
from imsys.sdk.pages import Pages
from imsys.sdk.refusals import SENTENCES, explain
from imsys.sdk.seen import FileSeenStore, MemorySeenStore, Seen, SeenStore
from imsys.sdk.signals import Signal
from imsys.sdk.trust import Trust

__all__ = [
    "SENTENCES",
    "Attachment",
    "Client",
    "ConnectionState",
    "Credentials",
    "FileSeenStore",
    "Friend",
    "FriendRequest",
    "Friendship",
    "Gateway",
    "Grant",
    "Login",
    "MemorySeenStore",
    "Message",
    "MessageKind",
    "MessageStream",
    "Outgoing",
    "Pages",
    "Person",
    "Position",
    "Refused",
    "Resources",
    "Seen",
    "SeenStore",
    "Signal",
    "StateChange",
    "Status",
    "Thread",
    "Timing",
    "Trust",
    "Unavailable",
    "explain",
]
