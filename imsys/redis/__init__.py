"""Redis: the client, the embedded server, and everything that is kept in it."""
