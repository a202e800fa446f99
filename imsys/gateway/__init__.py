"""The HTTP interfaces: registration, login, password reset."""
