"""From the client library to the store and the signals, and from commands to the client library:
``ports.Account`` for real.
"""
