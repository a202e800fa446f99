"""What ``imsys-bench client`` starts: the client as it is, driven by its own events and measured from inside.

The benchmark itself starts servers, a screen and somebody who writes; it reads a line of JSON for each figure
from standard output.
"""
