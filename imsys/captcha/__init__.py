"""Verification codes: made, mailed, and kept for a short while."""
