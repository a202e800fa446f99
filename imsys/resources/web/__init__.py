"""The HTTP door of a resources server.

``connection`` and ``server`` speak HTTP/1.1 and know nothing of files; ``routing``
finds the handler of a request; the handlers (``tus`` and ``downloads``, put into a
table by ``doors``) return a :class:`~imsys.resources.web.answers.Response`, whose
body may be a stream that is asked for its next piece when the peer has room.
"""
