"""Tests of Redis and what is kept in it."""
