-- What users are signed in on: the devices of sign_ins, with what people call them.

CREATE TABLE devices (
    user_id INTEGER NOT NULL,
    -- the client's id of it; empty: it did not say
    device BLOB NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    -- when its user first signed in on it
    created_at INTEGER NOT NULL,
    -- whether the user's others were told of that, as far as there were any
    told INTEGER NOT NULL,
    PRIMARY KEY (user_id, device)
) STRICT, WITHOUT ROWID;
