"""The engine behind the doors: files on their way, what makes them whole, and how they are read."""
