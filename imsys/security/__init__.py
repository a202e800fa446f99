"""Certificates, passwords, keys and tickets."""
