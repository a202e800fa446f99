"""The engine behind the protocols: files on their way, what makes them whole, and how they are read."""
