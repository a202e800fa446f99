"""What the client says, in other languages: ``*.ts`` for translators, ``*.qm`` for Qt; :mod:`.make` makes one
from the other.
"""
