"""What waits to be sent, of all connections together."""


class Unsent:
    """What waits for the slow peers of all connections together, here and in the transports: up to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
