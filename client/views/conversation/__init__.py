"""A conversation: its header, its messages, where one writes."""

from client.views.conversation.view import ConversationView

__all__ = ["ConversationView"]
