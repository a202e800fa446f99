"""HTTP of a resources server, on :mod:`imsys.web`: files by ``tus`` and ``downloads``, put into a table by
``routes``.
"""
