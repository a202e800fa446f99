"""Methods that change some fields of a value, with the types of those fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def keywords_of(
    kind: Callable[P, object],
) -> Callable[[Callable[..., R]], Callable[Concatenate[Any, P], R]]:
    """Give a method the arguments of a dataclass all of whose fields have defaults: none of them need be
    given, and each that is has the right type. It is there for type checkers alone.
    """
    return lambda method: method
