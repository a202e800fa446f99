"""The parts that views share.

They know the theme and the values of client.core, and nothing of where those come from.
"""
