"""Which servers there are, and where a user is sent. Everything is kept in Redis: any number of balance servers run side by side."""
