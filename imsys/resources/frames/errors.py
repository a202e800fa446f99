"""How a client is told that something of a transfer was not taken, or that it is over."""

from __future__ import annotations

from imsys.errors import Refused
from imsys.protocols.identifiers import encode_id
from imsys.protocols.messages.transfers import TransferErrorPush
from imsys.server.session import Session


def tell(session: Session, file_id: bytes, refused: Refused, offset: int) -> None:
    """Send a transfer error (79), with the offset to go on from."""
    error = TransferErrorPush(
        error=int(refused.status), file_id=encode_id(file_id), offset=offset, message=refused.message
    )
    session.send(error)
