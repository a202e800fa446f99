"""What became of a message, as its row keeps it: one column of JSON, empty for the most."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from client.core.model import Forward, Message, Quote, Reaction


def written(message: Message) -> str:
    """The column of a message."""
    kept: dict[str, Any] = {}
    if message.edited_ms:
        kept["edited"] = message.edited_ms
    if message.recalled:
        kept["recalled"] = True
    if message.mentions:
        kept["mentions"] = message.mentions
    if message.forward is not None:
        kept["forward"] = astuple(message.forward)
    if message.reactions:
        kept["reactions"] = [astuple(one) for one in message.reactions]
    return json.dumps(kept, ensure_ascii=False) if kept else ""


def read(column: str) -> dict[str, Any]:
    """The arguments of a message that it stands for."""
    if not column:
        return {}
    kept = json.loads(column)
    return {
        "edited_ms": kept.get("edited", 0),
        "recalled": kept.get("recalled", False),
        "mentions": tuple(kept.get("mentions", ())),
        "forward": Forward(*kept["forward"]) if "forward" in kept else None,
        "reactions": tuple(Reaction(*one) for one in kept.get("reactions", ())),
    }


def quote(id: int, sender: int | None, text: str | None, attachment: str | None) -> Quote | None:
    """What is shown of the message that one answers; ``sender`` is ``None`` where it is not here."""
    if not id:
        return None
    return Quote(id, sender or 0, text or (json.loads(attachment)["filename"] if attachment else ""))
