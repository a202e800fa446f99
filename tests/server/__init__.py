"""Tests of what the servers with frames share."""
