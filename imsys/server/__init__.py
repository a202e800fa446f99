"""What both servers with frames share (chat and resources): connections, sessions, and from a request to its handler."""
