"""Redis: its client, a server of our own, and everything that is kept in it."""
