"""Every colour, size and duration of the client; nobody writes one elsewhere. Plain values, without Qt.

Sizes are pixels at a text scale of 100 %, durations milliseconds.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Generic, TypeVar

C = TypeVar("C")
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Colours(Generic[C]):
    """What is painted in which colour; ``C`` is ``str`` here (``#rrggbb``, ``#aarrggbb``) and ``QColor`` in a
    theme.
    """

    window: C
    list: C
    conversation: C
    text: C
    second: C
    disabled: C
    accent: C
    on_accent: C
    accent_hover: C
    accent_press: C
    accent_text: C
    theirs: C
    mine: C
    on_mine_second: C
    code_theirs: C
    code_mine: C
    quote_theirs: C
    quote_mine: C
    selection: C
    flash: C
    chip: C
    hairline: C
    control: C
    hover: C
    press: C
    selected: C
    danger: C
    on_danger: C
    warning: C
    good: C
    online: C
    banner: C
    on_banner: C
    mention: C
    on_mention: C
    mention_row: C
    badge: C
    badge_muted: C
    on_badge: C
    float: C
    shadow: C
    veil: C
    on_veil: C
    skeleton: C
    names: tuple[C, ...]
    """Of senders in groups, eight."""

    def map(self, function: Callable[[C], D]) -> Colours[D]:
        """The same with other values of colour."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        names = tuple(function(name) for name in values.pop("names"))
        return Colours(**{name: function(value) for name, value in values.items()}, names=names)


LIGHT: Colours[str] = Colours(
    window="#FFFFFF",
    list="#F5F6F8",
    conversation="#EDF0F4",
    text="#14181F",
    second="#566172",
    disabled="#8A94A3",
    accent="#2563EB",
    on_accent="#FFFFFF",
    accent_hover="#1F57D3",
    accent_press="#1B4CBA",
    accent_text="#1D4ED8",
    theirs="#FFFFFF",
    mine="#DCE9FF",
    on_mine_second="#4A5C78",
    code_theirs="#F1F3F6",
    code_mine="#CDDEFB",
    quote_theirs="#F1F5FD",
    quote_mine="#CDDEFB",
    selection="#AFCBFB",
    flash="#4D2563EB",
    chip="#E2E7ED",
    hairline="#E1E5EA",
    control="#7F8A99",
    hover="#ECEFF3",
    press="#E1E5EA",
    selected="#DCE7FD",
    danger="#B91C1C",
    on_danger="#FFFFFF",
    warning="#854D00",
    good="#12653A",
    online="#16934C",
    banner="#FFF4D6",
    on_banner="#5C3B00",
    mention="#FFE29A",
    on_mention="#5C3B00",
    mention_row="#FBF3DC",
    badge="#2563EB",
    badge_muted="#667180",
    on_badge="#FFFFFF",
    float="#FFFFFF",
    shadow="#3314181F",
    veil="#A6000000",
    on_veil="#FFFFFF",
    skeleton="#DFE4EA",
    names=("#B42318", "#A34A06", "#4A7210", "#137038", "#0F6E66", "#1966A8", "#6D34D6", "#B0175A"),
)

DARK: Colours[str] = Colours(
    window="#171B21",
    list="#1C2129",
    conversation="#12161B",
    text="#E9EDF3",
    second="#A3AEBD",
    disabled="#667180",
    accent="#5B8DEF",
    on_accent="#0B1220",
    accent_hover="#70A0FA",
    accent_press="#86AFFB",
    accent_text="#8DB2FF",
    theirs="#232A33",
    mine="#264272",
    on_mine_second="#B4C6E4",
    code_theirs="#1A2028",
    code_mine="#1D3459",
    quote_theirs="#2A3340",
    quote_mine="#1F3963",
    selection="#3A5FA6",
    flash="#4D5B8DEF",
    chip="#1F262F",
    hairline="#2A313B",
    control="#7D8898",
    hover="#242B35",
    press="#2D3541",
    selected="#2A3B5C",
    danger="#FF8F87",
    on_danger="#2A0A08",
    warning="#E3B341",
    good="#56D364",
    online="#56D364",
    banner="#3A2E10",
    on_banner="#F3D58A",
    mention="#5A4716",
    on_mention="#F8DE9C",
    mention_row="#2A2416",
    badge="#5B8DEF",
    badge_muted="#8A94A3",
    on_badge="#0B1220",
    float="#222932",
    shadow="#80000000",
    veil="#B3000000",
    on_veil="#FFFFFF",
    skeleton="#2A313B",
    names=("#FF9A90", "#F5B26B", "#B9D46C", "#72D997", "#5FD2C4", "#84BBF7", "#C3A6FF", "#F79CC2"),
)

AVATARS = ("#B42318", "#A34A06", "#4A7210", "#137038", "#0F6E66", "#1966A8", "#6D34D6", "#B0175A")
"""Grounds of avatars without a picture, the same in both themes; chosen by the uuid."""
ON_AVATAR = "#FFFFFF"

TEXT_PAIRS: tuple[tuple[str, str], ...] = (
    *(
        (text, ground)
        for ground in ("window", "list", "conversation", "hover", "press", "selected", "float")
        for text in ("text", "second")
    ),
    *(
        (text, ground)
        for ground in ("window", "list", "float")
        for text in ("accent_text", "danger", "warning", "good")
    ),
    *(
        ("accent_text", ground)
        for ground in ("theirs", "mine", "conversation", "hover", "selected", "quote_theirs", "quote_mine")
    ),
    *(
        ("text", ground)
        for ground in (
            "theirs",
            "mine",
            "code_theirs",
            "code_mine",
            "quote_theirs",
            "quote_mine",
            "selection",
        )
    ),
    *(("danger", ground) for ground in ("theirs", "mine", "conversation")),
    *(("on_accent", ground) for ground in ("accent", "accent_hover", "accent_press")),
    *(("on_badge", ground) for ground in ("badge", "badge_muted")),
    ("second", "theirs"),
    ("second", "quote_theirs"),
    ("on_mine_second", "mine"),
    ("on_mine_second", "quote_mine"),
    ("second", "chip"),
    ("on_danger", "danger"),
    ("on_banner", "banner"),
    ("on_mention", "mention"),
)
"""Which text is on which ground: contrast 4.5:1 or more."""

MARK_PAIRS: tuple[tuple[str, str], ...] = (
    *(
        ("accent", ground)
        for ground in ("window", "list", "conversation", "hover", "selected", "float", "theirs", "mine")
    ),
    *(("control", ground) for ground in ("window", "list", "float")),
    *(("online", ground) for ground in ("window", "list", "selected")),
    ("danger", "selected"),
    ("warning", "mention_row"),
)
"""Icons, borders of controls, focus rings: 3:1 or more."""


class Font(enum.Enum):
    """The type scale: size, whether semibold, whether of fixed width."""

    BODY = (13.0, False, False)
    BODY_STRONG = (13.0, True, False)
    MESSAGE = (14.0, False, False)
    MESSAGE_STRONG = (14.0, True, False)
    META = (11.5, False, False)
    META_STRONG = (11.5, True, False)
    BADGE_SMALL = (10.0, True, False)
    TITLE = (17.0, True, False)
    DISPLAY = (22.0, True, False)
    CODE = (13.0, False, True)
    EMOJI = (22.0, False, False)
    EMOJI_BIG = (36.0, False, False)

    @property
    def size(self) -> float:
        """Pixels."""
        return self.value[0]

    @property
    def strong(self) -> bool:
        """Semibold."""
        return self.value[1]

    @property
    def fixed(self) -> bool:
        """A font of fixed width."""
        return self.value[2]


LINE_HEIGHT = 1.4
SCALES = (80, 90, 100, 110, 125, 150, 175, 200)
"""Steps of the text scale, per cent."""

# Space: multiples of four.
TIGHT, SMALL, GAP, WIDE, HUGE = 4, 8, 12, 16, 24

RADIUS_SMALL, RADIUS, RADIUS_BUBBLE, CORNER_BUBBLE = 4, 8, 14, 4

# Lists and windows.
ROW, AVATAR, AVATAR_SMALL, AVATAR_BIG = 64, 44, 32, 96
WINDOW, WINDOW_LEAST = (1100, 720), (380, 480)
ONE_PANE_BELOW, ALL_LEFT_FROM = 720, 960
LIST_PANE, LIST_PANE_LEAST, LIST_PANE_MOST, DETAILS_PANE = 320, 240, 480, 320
HEADER, RAIL = 56, 60
SIGN_IN, COLUMN = 360, 560
"""Widths of the column of the sign-in screens, and of pages of one column."""
DIALOG, DIALOG_WIDE, SWITCHER = (440, 520), (720, 560), (480, 420)

# Icons and controls.
ICON, ICON_SMALL, ICON_MARK, ICON_BIG, TARGET = 20, 16, 14, 48, 32
CONTROL, STROKE, FOCUS, HAIRLINE = 36, 1.75, 2, 1
BADGE, BADGE_SMALL, SCROLL_BAR, SCROLL_THUMB_LEAST = 20, 16, 10, 36
DOT, DOT_SHARE, DOT_RIM = (8, 18), 0.25, 2
"""The dot of who is online: the least and the most, its share of the avatar's width, what is cut out around it."""

# Bubbles.
BUBBLE_SHARE, BUBBLE_MOST = 0.66, 520
BUBBLE_PADDING = (12, 8)
BUBBLE_GAP, GROUP_GAP = 2, 10
GROUP_ENDS_MS = 5 * 60 * 1000
PICTURE_MOST, PICTURE_LEAST = (400, 400), (120, 80)
QUOTE_BAR, MENTION_BAR = 3, 3
CHIP = 24
"""Height of days, of the unread line and of reactions."""
FILE_LEAST, LIVE_LEAST = 220, 240
PAGE_AHEAD = 1.5
"""So many screens before the end of what is loaded, more is."""
DOWN_FROM = 240
"""The way down is offered from so far above the end."""
WHEEL = 40
"""Pixels for a line of the wheel; systems have three lines for a notch."""
EMOJI_ONLY_MOST = 3
"""So many emoji alone are shown big."""

# The composer.
COMPOSER_LINES = 8
TEXT_MOST, TEXT_COUNT_FROM = 4096, 3900
DRAFT_MS = 600
"""How long one stops typing before a draft is kept."""

# Floating things.
SHADOW = (0, 4, 18)
"""Offset right, offset down, blur."""
TOAST_MS, DATE_MS = 4000, 1200
HOVER_MS = 220
"""How long the pointer rests on a message before reactions are offered."""
SEARCH_MS = 150
"""How long one stops typing before a search begins."""
PICKER, PICKER_COLUMNS = (352, 380), 8
COMPLETION = 300
"""Width of what offers whom one may mention."""

# Films and live streams.
VIDEO_GROUND, ON_VIDEO, ON_VIDEO_SECOND = "#0B0D10", "#FFFFFF", "#C3CAD4"
"""Around pictures, and words there: the same in both themes."""
VIDEO, VIDEO_LEAST = (480, 270), (240, 135)
BAR_HIDES_MS, FIGURES_MS = 3000, 500

# Motion.
FAST_MS, SLOW_MS, FLASH_MS, SPIN_MS = 120, 180, 1200, 900

# Files.
SEND_DIALOG, SEND_LIST_MOST, THUMBNAIL = (440, 520), 300, 48
FILES_PAGE, FILES_NARROW = 900, 640
"""Width of the list of files at most, and below which what is chosen takes two lines."""
VIEWER, VIEWER_ZOOM = (960, 680), (0.05, 16.0)
ZOOM_STEP, PAN_STEP = 1.25, 60
STAGE, ON_STAGE, ON_STAGE_SECOND, STAGE_HOVER = "#0B0D10", "#FFFFFF", "#B8C0CC", "#262B33"
"""The viewer and the cropper are dark in both themes: the ground, what is on it, and a button under the
pointer.
"""
CHECKER = ("#3A4048", "#2C3138")
"""Squares behind what one can see through."""
CROPPER, CROP_DIM, CROP_LINE, CROP_HANDLE, CROP_GRAB = (560, 600), "#A6000000", "#FFFFFF", 10, 22
"""Size of the dialog, what dims the rest of the picture, line and size of handles, and how near one is taken.
"""
AVATAR_PIXELS = 512
