"""What a row of the list of conversations says."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from client.core.display import shown_name
from client.core.grouping import Day, day_label, day_of
from client.core.model import Conversation, ConversationKind, Kind, Mark, Message, Person
from client.core.ports import Account
from client.translations.sentences import listed, said
from client.viewmodels.conversation_list import is_muted
from client.views import presence_words
from client.widgets.messages.words import content_line, mark_words, time_of

PREVIEW_MOST = 160


def when(at_ms: int, now_ms: int) -> str:
    """A time in little room: the time of today, a weekday, or a date."""
    if not at_ms:
        return ""
    day, today, locale = day_of(at_ms), day_of(now_ms), QLocale()
    label, date = day_label(day, today), QDate(day.year, day.month, day.day)
    if label is Day.TODAY:
        return time_of(at_ms)
    if label is Day.YESTERDAY:
        return QCoreApplication.translate("ConversationRow", "Yesterday")
    if label is Day.WEEKDAY:
        return locale.standaloneDayName(date.dayOfWeek(), QLocale.FormatType.ShortFormat)
    return locale.toString(date, QLocale.FormatType.ShortFormat)


def preview(one: Conversation, person: Callable[[int], Person]) -> tuple[str, str]:
    """Who wrote last (empty where that is plain), and what, in one line."""
    message = one.last
    if message is None:
        return "", QCoreApplication.translate("ConversationRow", "No messages yet")
    who = ""
    if message.kind is Kind.NOTICE:
        return "", line(content_line(message, person))
    if message.mine:
        who = QCoreApplication.translate("ConversationRow", "You")
    elif one.kind is ConversationKind.GROUP:
        who = shown_name(person(message.sender).name)
    return who, line(content_line(message))


def line(text: str) -> str:
    """A text in one line, no longer than is ever seen."""
    return " ".join(text[: 4 * PREVIEW_MOST].split())[:PREVIEW_MOST]


def failed(message: Message | None) -> bool:
    """Whether the last one was not sent."""
    return message is not None and message.mark is Mark.FAILED


def spoken(one: Conversation, account: Account, now_ms: int) -> str:
    """A row as it is read aloud."""
    translate, person = QCoreApplication.translate, account.person
    who, what = preview(one, person)
    parts = [shown_name(one.title)]
    if one.unread:
        parts.append(translate("ConversationRow", "%n unread", "", one.unread))
    if one.mentioned:
        parts.append(translate("ConversationRow", "you are mentioned"))
    if one.draft:
        parts.append(translate("ConversationRow", "Draft: {text}").format(text=line(one.draft)))
    parts.append(said(who, what) if who else what)
    parts.append(when(one.at_ms, now_ms))
    if one.last is not None and one.last.mine and one.last.kind is not Kind.NOTICE:
        parts.append(mark_words(one.last))
    for is_so, word in (
        (one.pinned, translate("ConversationRow", "pinned")),
        (is_muted(one), translate("ConversationRow", "muted")),
        (one.archived, translate("ConversationRow", "archived")),
        (bool(one.live), translate("ConversationRow", "live now")),
    ):
        if is_so:
            parts.append(word)
    parts.append(presence_words.doing(account.busy(one.id), person))
    if one.kind is ConversationKind.PRIVATE and one.people:
        parts.append(presence_words.seen(account.presence(one.people[0]), now_ms))
    return listed(parts)
