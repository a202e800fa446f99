"""What others do now, in words."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from client.core.display import shown_name
from client.core.following import Activity, Busy, Presence
from client.core.grouping import Day, day_label, day_of
from client.core.model import Person
from client.widgets.messages.words import time_of


def seen(presence: Presence | None, now_ms: int) -> str:
    """``online``, or when they were; empty: it is not known. Times stand for themselves, so that no words grow old."""
    translate = QCoreApplication.translate
    if presence is None:
        return ""
    if presence.online:
        return translate("Presence", "online")
    if presence.hidden:
        return translate("Presence", "last seen recently")
    if not presence.last_seen_ms:
        return translate("Presence", "offline")
    day, time = day_of(presence.last_seen_ms), time_of(presence.last_seen_ms)
    label, date = day_label(day, day_of(now_ms)), QDate(day.year, day.month, day.day)
    if label is Day.TODAY:
        return translate("Presence", "last seen at {time}").format(time=time)
    if label is Day.YESTERDAY:
        return translate("Presence", "last seen yesterday at {time}").format(time=time)
    if label is Day.WEEKDAY:
        name = QLocale().standaloneDayName(date.dayOfWeek(), QLocale.FormatType.LongFormat)
        return translate("Presence", "last seen {day} at {time}").format(day=name, time=time)
    written = QLocale().toString(date, QLocale.FormatType.ShortFormat)
    return translate("Presence", "last seen on {date}").format(date=written)


def doing(busy: Busy, person: Callable[[int], Person], *, names: bool = True) -> str:
    """Who is writing; empty: nobody is. Without ``names`` several are a number."""
    if not busy:
        return ""
    people, activities = list(busy), set(busy.values())
    activity = activities.pop() if len(activities) == 1 else Activity.WRITING
    called = [shown_name(person(uuid).name) for uuid in people[:2]]
    if len(people) == 1:
        return _one(activity).format(name=called[0])
    if len(people) == 2 and names:
        return _two(activity).format(first=called[0], second=called[1])
    return _many(activity, len(people))


def _one(activity: Activity) -> str:
    translate = QCoreApplication.translate
    return {
        Activity.WRITING: translate("Presence", "{name} is writing…"),
        Activity.RECORDING: translate("Presence", "{name} is recording…"),
        Activity.SENDING: translate("Presence", "{name} is sending a file…"),
    }[activity]


def _two(activity: Activity) -> str:
    translate = QCoreApplication.translate
    return {
        Activity.WRITING: translate("Presence", "{first} and {second} are writing…"),
        Activity.RECORDING: translate("Presence", "{first} and {second} are recording…"),
        Activity.SENDING: translate("Presence", "{first} and {second} are sending files…"),
    }[activity]


def _many(activity: Activity, count: int) -> str:
    translate = QCoreApplication.translate
    return {
        Activity.WRITING: translate("Presence", "%n people are writing…", "", count),
        Activity.RECORDING: translate("Presence", "%n people are recording…", "", count),
        Activity.SENDING: translate("Presence", "%n people are sending files…", "", count),
    }[activity]
