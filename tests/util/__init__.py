"""Tests of small parts."""
