"""What is said of a file on its way, beside its chunks."""

from __future__ import annotations

from imsys.protocols.messages.registry import Push, message


@message(79)
class TransferErrorPush(Push, frozen=True, kw_only=True):
    """Something was not taken, or a transfer is over before its end."""

    file_id: str
    offset: int
    """Where to go on."""
    message: str
