"""Verification codes: make, mail and store them for a short time."""
