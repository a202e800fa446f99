"""What the connections of every port share: when one is read from, how one ends, and all of a server's
together.
"""
