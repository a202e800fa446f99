"""What an account keeps as the server has it, a file for each kind of thing: what the server tells of it, and
how it is read anew. :mod:`client.sync.catch_up` runs the reading.
"""
