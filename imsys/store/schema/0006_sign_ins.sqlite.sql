-- Who is signed in: tokens, of which only the SHA-256 is kept, and what ends all of a user's at once.

CREATE TABLE sign_ins (
    digest BLOB NOT NULL PRIMARY KEY,
    user_id INTEGER NOT NULL,
    -- the epoch of the account that the token was made in; in any other it opens nothing
    epoch INTEGER NOT NULL,
    -- which of the user's devices it belongs to; empty: one that did not say
    device BLOB NOT NULL DEFAULT x'',
    created_at INTEGER NOT NULL,
    -- when it was last used, to within a thirtieth of the time that it lives unused
    used_at INTEGER NOT NULL,
    -- when it ends, however much it is used
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_ins_user ON sign_ins (user_id, used_at);
CREATE INDEX sign_ins_used ON sign_ins (used_at);

-- The present epoch of an account: it moves when everything that was granted to its user ends. No row: 0.
CREATE TABLE epochs (
    user_id INTEGER NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL
) STRICT;
