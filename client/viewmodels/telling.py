"""Which messages are told on the desktop, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from client.core.display import shown, shown_name
from client.core.living import mentions
from client.core.model import ConversationKind, Message
from client.core.ports import Account
from client.core.preferences import Preferences
from client.translations.sentences import said
from client.viewmodels.conversation_list import is_muted

TEXT_MOST = 300


@dataclass(frozen=True, slots=True)
class Telling:
    """What is told of messages that came together.

    :param avatar: the file id of the sender's picture.
    """

    conversation: int
    title: str
    text: str
    avatar: str
    sound: bool


def telling(
    account: Account,
    messages: list[Message],
    preferences: Preferences,
    now_ms: int,
    content: Callable[[Message], str],
    *,
    seen: int = 0,
    hidden: str = "",
) -> Telling | None:
    """What is told of messages of one conversation; ``None``: nothing. What mentions me is told even where one is muted.

    :param content: says in words what is in a message.
    :param seen: the conversation that is open in an active window: what comes there is seen.
    :param hidden: what is said where texts are not to be shown.
    """
    if not messages or not preferences.notify or is_quiet(preferences, now_ms):
        return None
    for_me = [one for one in messages if mentions(one, account.me.uuid)]
    last = for_me[-1] if for_me else messages[-1]
    about = account.conversation(last.conversation)
    if about is None or about.id == seen:
        return None
    if (is_muted(about, now_ms) or about.archived) and not for_me:
        return None
    sender = account.person(last.sender)
    title = shown_name(about.title)
    text = shown(content(last))[:TEXT_MOST] if preferences.show_text else hidden
    if about.kind is not ConversationKind.PRIVATE and preferences.show_text:
        text = said(shown_name(sender.name), text)
    return Telling(about.id, title, text, sender.avatar, preferences.sound)


def is_quiet(preferences: Preferences, now_ms: int) -> bool:
    """Whether nothing is told at all."""
    return preferences.quiet or preferences.quiet_until_ms > now_ms
