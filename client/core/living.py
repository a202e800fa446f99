"""What can be done with a message once it is there."""

from __future__ import annotations

from client.core.model import Kind, Message


def is_said(message: Message) -> bool:
    """Whether the server has it, and there is still something in it: it can be answered, liked, pinned."""
    return bool(message.id) and not message.recalled and message.kind is not Kind.NOTICE


def can_edit(message: Message) -> bool:
    """Whether its text can be replaced; how long that is allowed, the server says."""
    return is_said(message) and message.mine and message.kind is Kind.TEXT and message.forward is None


def can_forward(message: Message) -> bool:
    """Whether it can be sent on: texts can."""
    return is_said(message) and message.kind is Kind.TEXT


def can_recall(message: Message) -> bool:
    """Whether I can delete it for everybody."""
    return is_said(message) and message.mine


def bare(emoji: str) -> str:
    """An emoji without the selector that says to show it in colours: some write it so, and mean the same."""
    return emoji.replace("\ufe0f", "")
