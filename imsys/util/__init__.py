"""Small general-purpose modules, independent of chat."""
