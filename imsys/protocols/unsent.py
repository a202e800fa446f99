"""Counting what waits to be sent."""


class Unsent:
    """Counts the bytes that wait for slow peers, here and in the transports of all connections; ``limit`` is
    the most there may be.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
