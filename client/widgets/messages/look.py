"""What layout and painting of messages need to know besides the message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF, Qt

from client.core.links import Link
from client.core.model import Person, Stream, Transfer
from client.theme import Theme
from client.theme.tokens import ALL_LEFT_FROM, AVATAR_SMALL, BUBBLE_MOST, BUBBLE_SHARE, SMALL, WIDE
from client.widgets.avatar import Avatars
from client.widgets.pictures import Pictures

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute


@dataclass(slots=True)
class Look:
    """How one list looks. What changes the layout (not the painting) goes with a new :attr:`revision`."""

    theme: Theme
    avatars: Avatars
    pictures: Pictures
    person: Callable[[int], Person]
    transfer: Callable[[str], Transfer | None]
    stream: Callable[[str], Stream | None]
    wanted: Callable[[str], None]
    """The small picture of a message (its key) is not on this disk."""
    now_ms: Callable[[], int]
    previews: dict[str, str] = field(default_factory=dict)
    """Where small pictures are that came after they were asked for, by the key of the message."""
    clip: QRectF = field(default_factory=QRectF)
    """What is seen of the row that is being painted."""
    me: int = 0
    """My uuid: what mentions me is marked."""
    names: bool = False
    """Whether senders are named: in groups."""
    all_left: bool = False
    """Mine too are left, where there is room for it."""
    rtl: bool = False
    width: int = 0
    ratio: float = 1.0
    revision: int = 0

    @property
    def side(self) -> Qt.AlignmentFlag:
        """To align one line of text at the leading side."""
        return _RIGHT if self.rtl else _LEFT

    @property
    def left_only(self) -> bool:
        """Whether mine are left."""
        return self.all_left and self.width >= ALL_LEFT_FROM

    @property
    def bubble_most(self) -> float:
        """How wide a bubble may be."""
        room = self.width - 2 * WIDE - self.indent
        return max(
            120.0, min(room * BUBBLE_SHARE if self.width > 480 else room * 0.8, self.theme.px(BUBBLE_MOST))
        )

    @property
    def indent(self) -> int:
        """Room for avatars."""
        return self.theme.px(AVATAR_SMALL) + SMALL if self.names else 0


@dataclass(slots=True)
class State:
    """What a row shows of the moment, while it is painted."""

    selected: tuple[int, int] | None = None
    """Of its text."""
    whole: bool = False
    """All of it is selected, with others."""
    focused: bool = False
    hovered: tuple[str, object] | None = None
    link: Link | None = None
    flash: float = 0.0
    found: list[tuple[int, int]] = field(default_factory=list)
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Hit:
    """A part of a row that a click does something on."""

    rect: QRectF
    action: str
    value: object = None
