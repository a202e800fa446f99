"""``imsys-ctl``: what an operator does besides running daemons.

Whatever goes wrong is one plain sentence on standard error, and exit status 1.
"""
