"""The HTTP interface: registration, login, password reset."""
