"""Emoji: which there are, finding one, and the panel to pick from."""
