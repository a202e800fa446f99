"""Memory that all transfers of a kind share, whatever protocol they come or go by."""

from __future__ import annotations


class Budget:
    """Gives up to ``limit`` bytes of memory to whoever asks first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, size: int) -> bool:
        """Take bytes, and return whether there were as many left; they are to be given back."""
        if self.taken + size > self.limit:
            return False
        self.taken += size
        return True

    def give(self, size: int) -> None:
        """Give them back."""
        self.taken -= size
