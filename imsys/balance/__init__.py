"""Registration of servers and allocation of users.

All state is in Redis, so any number of balance servers can run.
"""
