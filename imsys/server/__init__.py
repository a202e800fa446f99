"""Shared by the chat and resources servers: connections, sessions, and dispatch of requests to handlers."""
