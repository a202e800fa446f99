"""A player and the area it is shown on: asks for pictures when they are due."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, QTimer

from client.video.player import Player
from client.video.surface import VideoArea

IDLE_MS = 200


class Projector(QObject):
    """Drives one player onto one area; lives as long as the area, and ends the player with it."""

    def __init__(self, area: VideoArea) -> None:
        super().__init__(area)
        self.area = area
        self.player: Player | None = None
        self._ends: list[Callable[[], None]] = []
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._turn)

    def set_player(self, player: Player | None) -> None:
        """Show another one; the one before is ended."""
        for end in self._ends:
            end()
        self._ends.clear()
        self._timer.stop()
        before, self.player = self.player, player
        if before is not None and before is not player:
            before.close()
        self.area.clear()
        if player is not None:
            self._ends = [
                player.arrived.subscribe(lambda _: self._turn()),
                player.changed.subscribe(lambda _: self._again()),
            ]
            self._turn()

    def _turn(self) -> None:
        player = self.player
        if player is None:
            return
        frame = player.take()
        if frame is not None:
            if frame.shape.pixels is self.area.pixels:
                self.area.show_frame(frame)
            else:
                frame.release()
        self._again()

    def _again(self) -> None:
        wait = self.player.wait() if self.player is not None else None
        if wait is None:
            self._timer.stop()
        else:
            self._timer.start(min(IDLE_MS, math.ceil(wait * 1000)))
