"""Files: before they are sent, in messages, and all of them."""
