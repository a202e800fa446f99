"""``imsys-cli``: chat from a terminal."""
