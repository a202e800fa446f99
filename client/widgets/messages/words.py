"""What the list of messages says in words: times, days, sizes, and a message as it is read aloud or copied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache

from PySide6.QtCore import QDate, QDateTime, QLocale, QTime

from client.core.display import shown, shown_name
from client.core.filenames import safe_name
from client.core.formatting import plain
from client.core.grouping import Day, day_label, day_of
from client.core.living import bare, mentions
from client.core.model import Kind, Mark, Message, Person, Quote, Reactor, Stage, Transfer
from client.translations.sentences import listed, sentence
from client.translations.tr import tr
from client.widgets.messages.notice_words import notice_words

REACTORS_NAMED = 5


def time_of(at_ms: int) -> str:
    """The time of day, as the locale writes it."""
    return _time(at_ms // 60_000, QLocale().name())


@lru_cache(maxsize=2048)
def _time(minute: int, locale: str) -> str:
    try:
        at = datetime.fromtimestamp(minute * 60)
    except (OverflowError, OSError, ValueError):
        return ""
    return QLocale().toString(QTime(at.hour, at.minute), QLocale.FormatType.ShortFormat)


def full_time(at_ms: int) -> str:
    """Date and time in full, for a tooltip."""
    return QLocale().toString(
        QDateTime.fromMSecsSinceEpoch(max(0, min(at_ms, 253_402_300_799_000))), QLocale.FormatType.LongFormat
    )


def day_words(at_ms: int, now_ms: int) -> str:
    """A day as it is called today."""
    day, today = day_of(at_ms), day_of(now_ms)
    label, date, locale = day_label(day, today), QDate(day.year, day.month, day.day), QLocale()
    if label is Day.TODAY:
        return tr("Today")
    if label is Day.YESTERDAY:
        return tr("Yesterday")
    if label is Day.WEEKDAY:
        return locale.standaloneDayName(date.dayOfWeek())
    month_first = locale.dateFormat(QLocale.FormatType.ShortFormat).upper().startswith("M")
    if label is Day.THIS_YEAR:
        return locale.toString(date, tr("MMMM d") if month_first else tr("d MMMM"))
    return locale.toString(date, tr("MMMM d, yyyy") if month_first else tr("d MMMM yyyy"))


def moment_words(at_ms: int, now_ms: int) -> str:
    """``Yesterday, 10:42``."""
    return tr("{day}, {time}").format(day=day_words(at_ms, now_ms), time=time_of(at_ms))


def size_words(size: float) -> str:
    """Bytes."""
    return QLocale().formattedDataSize(max(0, int(size)), 1, QLocale.DataSizeFormat.DataSizeTraditionalFormat)


def left_words(seconds: float) -> str:
    """How long something takes yet, roughly; empty: nobody knows, or it is over at once."""
    if not 2 <= seconds < 360_000:
        return ""
    if seconds < 60:
        return tr("{count} s left").format(
            count=QLocale().toString(math.ceil(seconds / 5) * 5 if seconds > 10 else math.ceil(seconds))
        )
    if seconds < 3600:
        return tr("{count} min left").format(count=QLocale().toString(math.ceil(seconds / 60)))
    return tr("{count} h left").format(count=QLocale().toString(math.ceil(seconds / 3600)))


def transfer_words(transfer: Transfer) -> str:
    """How far a file is."""
    stage = transfer.stage
    if stage is Stage.FAILED:
        return sentence(transfer.problem) or tr("It could not be transferred")
    done = tr("{done} of {size}").format(done=size_words(transfer.done), size=size_words(transfer.size))
    if stage is Stage.PAUSED:
        paused = tr("paused")
        return f"{done} · {paused}"
    if stage is Stage.MOVING and transfer.speed > 0:
        speed = tr("{size}/s").format(size=size_words(transfer.speed))
        left = left_words((transfer.size - transfer.done) / transfer.speed)
        return " · ".join(part for part in (done, speed, left) if part)
    return {
        Stage.WAITING: tr("Waiting …"),
        Stage.HASHING: tr("Preparing …"),
        Stage.FINISHING: tr("Finishing …"),
    }.get(stage, done)


def content(message: Message, person: Callable[[int], Person] | None = None) -> str:
    """What is in it, in words; of something that happened, with ``person`` who did it."""
    if message.kind is Kind.NOTICE:
        return notice_words(message, person) if person is not None else ""
    if message.recalled:
        return tr("Message deleted")
    name = safe_name(message.attachment.filename) if message.attachment is not None else ""
    kind = {
        Kind.IMAGE: tr("Picture"),
        Kind.FILE: tr("File: {name}").format(name=name),
        Kind.AUDIO: tr("Sound: {name}").format(name=name),
        Kind.VIDEO: tr("Video"),
        Kind.LIVE: tr("Live stream"),
        Kind.UNKNOWN: tr("A message that this version does not know"),
    }.get(message.kind, "")
    return listed((kind, shown(message.text)))


def content_line(message: Message, person: Callable[[int], Person] | None = None) -> str:
    """The same in one line, without the marks of formatting."""
    return plain(content(message, person))


def mark_words(message: Message) -> str:
    """How far a message of mine has come."""
    if message.mark is Mark.FAILED:
        return (
            tr("not sent: {reason}").format(reason=sentence(message.failure))
            if message.failure
            else tr("not sent")
        )
    if not message.mine:
        return ""
    return {
        Mark.WAITING: tr("waiting"),
        Mark.STORED: tr("sent"),
        Mark.DELIVERED: tr("delivered"),
        Mark.READ: tr("read"),
    }[message.mark]


def sender(message: Message, person: Callable[[int], Person]) -> str:
    """Who wrote it."""
    return tr("You") if message.mine else shown_name(person(message.sender).name)


def forwarded_words(sender: int, person: Callable[[int], Person]) -> str:
    """Above a text that was forwarded."""
    if not sender:
        return tr("Forwarded")
    return tr("Forwarded from {name}").format(name=shown_name(person(sender).name))


def reactor_words(reactors: Iterable[Reactor], emoji: str, person: Callable[[int], Person]) -> str:
    """Who put an emoji to a message: some names, and how many others."""
    names = [shown_name(person(one.uuid).name) for one in reactors if bare(one.emoji) == bare(emoji)]
    if len(names) <= REACTORS_NAMED + 1:
        return listed(names)
    some, count = listed(names[:REACTORS_NAMED]), QLocale().toString(len(names) - REACTORS_NAMED)
    return tr("{names} and {count} others").format(names=some, count=count)


def quote_author(quote: Quote, person: Callable[[int], Person]) -> str:
    """Who wrote what is answered; it may not be on this disk."""
    return shown_name(person(quote.sender).name) if quote.sender else tr("Earlier message")


def quote_words(quote: Quote) -> str:
    """What is answered, in a line."""
    if not quote.sender:
        return "…"
    return plain(quote.text) or tr("Message deleted")


def spoken(message: Message, person: Callable[[int], Person], me: int = 0) -> str:
    """``Anna, 10:42, text, read``: how a message is read aloud."""
    if message.kind is Kind.NOTICE:
        return content(message, person)
    quote = (
        tr("answer to: {text}").format(text=shown(quote_words(message.quote))[:80]) if message.quote else ""
    )
    forwarded = forwarded_words(message.forward.sender, person) if message.forward else ""
    reactions = listed(f"{reaction.emoji} {reaction.count}" for reaction in message.reactions)
    edited = tr("edited") if message.edited_ms else ""
    parts = (
        sender(message, person),
        time_of(message.at_ms),
        forwarded,
        quote,
        content(message),
        reactions,
        edited,
        tr("pinned") if message.pinned else "",
        tr("mentions you") if me and mentions(message, me) else "",
        mark_words(message),
    )
    return listed(parts)


def copied(message: Message, person: Callable[[int], Person]) -> str:
    """``Name, time: text``: a message among several that are copied."""
    name = shown_name(person(message.sender).name)
    return tr("{name}, {time}: {text}").format(
        name=name, time=time_of(message.at_ms), text=content(message, person)
    )
