"""The messages of the chat and resources protocols: one struct a message, by topic.

Importing this package registers every message of ours; see :mod:`.registry`.
"""

from imsys.protocols.messages import (
    catch_up,
    contacts,
    entries,
    files,
    live,
    people,
    records,
    session,
    texts,
    threads,
    transfers,
    uploads,
)
from imsys.protocols.messages.registry import (
    Empty,
    Message,
    Push,
    Request,
    Response,
    decoder,
    encode,
    message,
    reply_id,
    request_type,
    service_id,
)

__all__ = [
    "Empty",
    "Message",
    "Push",
    "Request",
    "Response",
    "catch_up",
    "contacts",
    "decoder",
    "encode",
    "entries",
    "files",
    "live",
    "message",
    "people",
    "records",
    "reply_id",
    "request_type",
    "service_id",
    "session",
    "texts",
    "threads",
    "transfers",
    "uploads",
]
