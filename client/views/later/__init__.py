"""Texts that are sent later, and how long messages stay."""
