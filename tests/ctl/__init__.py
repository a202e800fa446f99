"""Tests of imsys-ctl."""
