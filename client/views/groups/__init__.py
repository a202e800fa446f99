"""Groups: making one, who belongs to it, what it is, and the ways into it."""
