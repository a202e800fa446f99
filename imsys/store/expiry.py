"""Messages that expire: each has a row of when it is due, written with it."""

from __future__ import annotations

LONGEST = 28 * 86_400
"""Seconds after which a message expires, at most."""
