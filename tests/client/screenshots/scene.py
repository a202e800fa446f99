"""What a screen is: how it is made, and what is done with it before its picture is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.core.memory import NOW_MS, MemoryAccount
from client.platform.settings import Settings
from client.theme import Theme
from client.viewmodels.spool import Spool
from client.views.main.account_view import AccountView
from client.views.main.window import Window
from client.widgets.pictures import Pictures
from tests.client.views.scene import at_once

WIDE, USUAL, NARROW, SMALL = (1440, 800), (1100, 720), (420, 760), (520, 720)


def nothing() -> None:
    """Nothing is to be done."""


@dataclass
class Made:
    """A screen: ``act`` is done once it is shown; ``shown`` says of what the picture is taken, ``ready`` when."""

    widget: Any
    act: Callable[[], object] = nothing
    ends: tuple[Callable[[], object], ...] = ()
    shown: Callable[[], Any] = lambda: None
    ready: Callable[[], bool] = lambda: True
    moves: bool = False
    """It never rests: it is taken as soon as it is ready."""

    def __post_init__(self) -> None:
        if self.shown() is None:
            self.shown = lambda: self.widget


Make = Callable[[Theme, Path], Made]


@dataclass(frozen=True)
class Shot:
    """One: its size, and what makes it."""

    size: tuple[int, int]
    make: Make
    rtl: bool = False


@dataclass
class Stage:
    """An account in memory, and its window."""

    theme: Theme
    scratch: Path
    account: MemoryAccount
    settings: Settings
    pictures: Pictures
    window: Window
    view: Any
    more: dict[str, Any] = field(default_factory=dict)


def account(
    act: Callable[[Stage], object],
    *,
    empty: bool = False,
    shown: Callable[[Stage], Any] = lambda stage: stage.window,
    ready: Callable[[Stage], bool] = lambda stage: True,
    moves: bool = False,
) -> Make:
    """A window with an account in it, of which ``act`` makes what is wanted."""

    def make(theme: Theme, scratch: Path) -> Made:
        memory = MemoryAccount(scratch, longest=2_000, empty=empty)
        settings, pictures = Settings(None), Pictures()
        window = Window(theme, settings)
        view: Any = AccountView(
            theme, pictures, memory, settings, Spool(scratch, at_once), now=lambda: NOW_MS
        )
        stage = Stage(theme, scratch, memory, settings, pictures, window, view)
        window.show_account(view)

        def close() -> None:
            for end in stage.more.get("ends", ()):
                end()

        return Made(
            window,
            lambda: act(stage),
            (close, view.close_view, pictures.close),
            lambda: shown(stage) or window,
            lambda: not pictures._asked and ready(stage),  # no picture is being decoded
            moves,
        )

    return make
