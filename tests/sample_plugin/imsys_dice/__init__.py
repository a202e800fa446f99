"""Dice for imsys."""
