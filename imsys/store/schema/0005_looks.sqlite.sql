-- What the names of accounts look like, so that no two look alike; see imsys.store.looks. Older accounts that already look like
-- another, and lack some of their rows, stay as they are.

CREATE TABLE looks (
    -- the SHA-256 of a skeleton
    look BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES accounts (user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX looks_user ON looks (user_id);
