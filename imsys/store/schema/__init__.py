"""The schema, as migrations: ``NNNN_name.<dialect>.sql``, statements ended by ``;`` at a line's end."""
