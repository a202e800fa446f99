"""HTTP/1.1, for every door of ours that speaks it.

``connection`` and ``server`` speak it and know nothing of what is asked for; they hand each
:class:`~imsys.web.requests.Request` to a function, which ``routing`` may find, and which returns a
:class:`~imsys.web.answers.Response`, whose body may be a stream that is asked for its next piece when the
    peer has room.
"""
