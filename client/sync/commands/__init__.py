"""The two halves of ``ports.Account``, a file for each kind of thing that can be asked for or done;
:class:`client.sync.account.AccountSync` is made of them.
"""
