"""The design system: tokens, the theme made from them, its style sheet and its icons."""

from client.theme.theme import Scheme, Theme
from client.theme.tokens import Font

__all__ = ["Font", "Scheme", "Theme"]
