"""The list of messages: a view of our own on a window of the conversation."""

from client.widgets.messages.view import MessageList

__all__ = ["MessageList"]
