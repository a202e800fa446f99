"""Whom the user looks at: those are the people of whom it is followed whether they are online."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject, QTimer

from client.core.following import LOOKED_AT
from client.core.ports import Account

RESTS_MS = 250
"""After what is seen has changed: who scrolls asks once, at the end."""


class Looking(QObject):
    """Asks ``seen`` for them when :meth:`changed` said that it is something else, and never by itself.

    :param seen: uuids, those that matter most first; none while nothing can be seen.
    """

    def __init__(
        self, account: Account, seen: Callable[[], Iterable[int]], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._account, self._seen = account, seen
        self._told: tuple[int, ...] = ()
        self._rest = QTimer(self, singleShot=True, interval=RESTS_MS)
        self._rest.timeout.connect(self.look)

    def changed(self) -> None:
        """Something else may be seen."""
        if not self._rest.isActive():
            self._rest.start()

    def look(self) -> None:
        """Tell whom one sees."""
        self._rest.stop()
        me = self._account.me.uuid
        people = tuple(sorted([one for one in dict.fromkeys(self._seen()) if one and one != me][:LOOKED_AT]))
        if people != self._told:
            self._told = people
            self._account.look_at(people)

    def close(self) -> None:
        """Look at nobody any more."""
        self._rest.stop()
        self._account.look_at(())
