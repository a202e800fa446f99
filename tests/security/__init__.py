"""Tests of certificates, passwords, keys and tickets."""
