"""Times in words: how long, and until when."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

MINUTE, HOUR, DAY, WEEK = 60, 3_600, 86_400, 604_800


def lasting(seconds: int) -> str:
    """``8 hours``: in the largest unit that it is a whole number of."""
    translate = QCoreApplication.translate
    unit = next((one for one in (WEEK, DAY, HOUR) if seconds % one == 0), MINUTE)
    count = max(1, round(seconds / unit))
    if unit == WEEK:
        return translate("Times", "%n weeks", "", count)
    if unit == DAY:
        return translate("Times", "%n days", "", count)
    if unit == HOUR:
        return translate("Times", "%n hours", "", count)
    return translate("Times", "%n minutes", "", count)


def moment(at_ms: int) -> str:
    """Date and time, as short as the locale writes them."""
    at = QDateTime.fromMSecsSinceEpoch(max(0, min(at_ms, 253_402_300_799_000)))
    return QLocale().toString(at, QLocale.FormatType.ShortFormat)
