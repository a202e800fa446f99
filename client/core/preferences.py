"""What a user has chosen for the whole program, on this computer."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Preferences:
    """Read with :func:`read`, so that a file that somebody changed by hand harms nothing.

    :param scheme: ``system``, ``light`` or ``dark``.
    :param scale: of texts, per cent.
    :param language: ``""``: the system's; else ``en`` or ``zh_CN``.
    :param quiet: nothing is told; ``quiet_until_ms``: nothing is until then (0: it is).
    :param show_text: whether notifications hold what was written.
    :param to_tray: closing the window leaves the program running, where there is a tray.
    :param last: the conversation that was open last, by account.
    """

    scheme: str = "system"
    scale: int = 100
    all_left: bool = False
    less_motion: bool = False
    enter_sends: bool = True
    language: str = ""
    notify: bool = True
    show_text: bool = True
    sound: bool = True
    quiet: bool = False
    quiet_until_ms: int = 0
    to_tray: bool = False
    window: str = ""
    """Where the window is, as Qt writes it, in hex."""
    list_width: int = 320
    details: bool = False
    last: dict[str, int] = field(default_factory=dict)
    emoji: list[str] = field(default_factory=list)
    tone: int = 0


def read(found: object) -> Preferences:
    """Preferences from what was in a file; what cannot be, is as it was made."""
    if not isinstance(found, Mapping):
        return Preferences()
    hints = typing.get_type_hints(Preferences)
    taken: dict[str, Any] = {}
    for one in fields(Preferences):
        value = found.get(one.name)
        if one.name in found and _is(value, hints[one.name]):
            taken[one.name] = value
    return Preferences(**taken)


def written(preferences: Preferences) -> dict[str, Any]:
    """For a file."""
    return asdict(preferences)


def _is(value: object, kind: Any) -> bool:
    if isinstance(kind, types.GenericAlias):
        inner = kind.__args__
        if kind.__origin__ is list:
            return isinstance(value, list) and all(_is(one, inner[0]) for one in value)
        return isinstance(value, dict) and all(
            _is(key, inner[0]) and _is(one, inner[1]) for key, one in value.items()
        )
    return type(value) is kind
