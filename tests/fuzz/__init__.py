"""Coverage-guided fuzzing of what reads bytes of strangers; not run with the tests (docs/protocol.md says how)."""
