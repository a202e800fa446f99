"""What one account has on this disk: an encrypted SQLite database, and a thread that alone touches it."""
