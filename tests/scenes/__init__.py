"""Tests of whole systems, seen from outside: daemons of their own, and what befalls them."""
