"""Coverage-guided fuzzing of what reads bytes of strangers.

Not run with the tests (docs/protocol.md says how).
"""
