"""The window: conversations, one of them, what is about them."""
