"""Clusters for fault injection: each server on its own host, with networks that can be cut."""
