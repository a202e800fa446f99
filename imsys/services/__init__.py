"""The daemons: each module has Options, build and makeService.

Only this package creates long-lived objects.
"""
