"""Tests of the chat server."""
