"""Who signs in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Credentials:
    """How a user signs in: by a token while it lives, and by name and password otherwise. The link keeps the newest token here."""

    username: str = ""
    password: str = field(default="", repr=False)
    uuid: int = 0
    token: str = field(default="", repr=False)
