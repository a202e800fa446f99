"""Times in words: how long, and until when."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800


def lasting(seconds: int) -> str:
    """``8 hours``: in the largest unit that it is a whole number of."""
    translate = QCoreApplication.translate
    if seconds % WEEK == 0:
        return translate("Times", "%n weeks", "", seconds // WEEK)
    if seconds % DAY == 0:
        return translate("Times", "%n days", "", seconds // DAY)
    if seconds % HOUR == 0:
        return translate("Times", "%n hours", "", seconds // HOUR)
    return translate("Times", "%n minutes", "", max(1, seconds // MINUTE))


def moment(at_ms: int) -> str:
    """Date and time, as short as the locale writes them."""
    at = QDateTime.fromMSecsSinceEpoch(max(0, min(at_ms, 253_402_300_799_000)))
    return QLocale().toString(at, QLocale.FormatType.ShortFormat)
