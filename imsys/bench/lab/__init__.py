"""Clusters to break: every server on a host of its own, and networks between the hosts that can be cut."""
