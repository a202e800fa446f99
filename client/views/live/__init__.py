"""Films and live streams: the panel above messages, the dialog for going live, the player of films that were
sent.
"""
