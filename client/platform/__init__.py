"""What differs between systems, and how Qt and Twisted are joined."""
