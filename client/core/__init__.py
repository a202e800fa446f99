"""What is true of an account, in plain Python: no Qt, no Twisted, no file."""
