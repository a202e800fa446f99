"""Small parts that know nothing of chat."""
