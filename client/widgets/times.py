"""Times in words: how long, and until when."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800


def lasting(seconds: int) -> str:
    """``8 hours``: in the largest unit that it is a whole number of."""
    translate = QCoreApplication.translate  # of whose plurals Qt's tools know nothing
    unit = next((one for one in (WEEK, DAY, HOUR) if seconds % one == 0), MINUTE)
    count = max(1, round(seconds / unit))
    one, several = {
        WEEK: (translate("Times", "1 week"), translate("Times", "{count} weeks")),
        DAY: (translate("Times", "1 day"), translate("Times", "{count} days")),
        HOUR: (translate("Times", "1 hour"), translate("Times", "{count} hours")),
        MINUTE: (translate("Times", "1 minute"), translate("Times", "{count} minutes")),
    }[unit]
    return one if count == 1 else several.format(count=QLocale().toString(count))


def moment(at_ms: int) -> str:
    """Date and time, as short as the locale writes them."""
    at = QDateTime.fromMSecsSinceEpoch(max(0, min(at_ms, 253_402_300_799_000)))
    return QLocale().toString(at, QLocale.FormatType.ShortFormat)
