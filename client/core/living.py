"""What can be done with a message once it is there, and by whom."""

from __future__ import annotations

from client.core.model import EVERYBODY, Conversation, ConversationKind, Kind, Message

CHANGED_MS = 48 * 3_600_000
"""How long its author may change a message or take it back: what servers begin with. One that is set to less refuses."""


def is_said(message: Message) -> bool:
    """Whether the server has it, and there is still something in it: it can be answered, liked, pinned."""
    return bool(message.id) and not message.recalled and message.kind is not Kind.NOTICE


def can_edit(message: Message, now_ms: int) -> bool:
    """Whether its text can be replaced."""
    text = message.kind is Kind.TEXT and message.forward is None
    return is_said(message) and message.mine and text and _early(message, now_ms)


def can_forward(message: Message) -> bool:
    """Whether it can be sent on: texts and files can."""
    file = message.attachment is not None and bool(message.attachment.file_id)
    return is_said(message) and (message.kind is Kind.TEXT or file)


def can_recall(message: Message, about: Conversation, now_ms: int) -> bool:
    """Whether I can delete it for everybody."""
    return (
        is_said(message) and not about.gone and (about.is_admin or (message.mine and _early(message, now_ms)))
    )


def can_pin(about: Conversation) -> bool:
    """Whether I say what is pinned: in a group admins do."""
    return about.kind is ConversationKind.PRIVATE or about.is_admin


def mentions(message: Message, me: int) -> bool:
    """Whether somebody else means me by it, or all."""
    meant = me in message.mentions or EVERYBODY in message.mentions
    return bool(message.mentions) and not message.mine and meant


def _early(message: Message, now_ms: int) -> bool:
    return now_ms - message.at_ms < CHANGED_MS


def bare(emoji: str) -> str:
    """An emoji without the selector that says to show it in colours: some write it so, and mean the same."""
    return emoji.replace("\ufe0f", "")
