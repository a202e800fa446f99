"""The daemons: each module has Options, build and makeService, and only here are long-lived objects made."""
