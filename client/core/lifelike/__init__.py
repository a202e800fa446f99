"""Content that looks like life, for :mod:`client.core.memory`: made when it is looked at, the same in every
run.
"""
