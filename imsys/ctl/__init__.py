"""``imsys-ctl``: the operator's commands, besides running daemons.

Any error is one plain sentence on standard error, and exit status 1.
"""
