-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- Who is signed in: tokens, of which only the SHA-256 is kept, and what ends all of a user's at once.

CREATE TABLE IF NOT EXISTS sign_ins (
    digest BINARY(32) NOT NULL PRIMARY KEY,
    user_id INT NOT NULL,
    -- the epoch of the account that the token was made in; in any other it opens nothing
    epoch INT NOT NULL,
    -- which of the user's devices it belongs to; empty: one that did not say
    device VARBINARY(256) NOT NULL DEFAULT '',
    created_at BIGINT NOT NULL,
    -- when it was last used, to within a thirtieth of the time that it lives unused
    used_at BIGINT NOT NULL,
    -- when it ends, however much it is used
    expires_at BIGINT NOT NULL,
    KEY sign_ins_user (user_id, used_at),
    KEY sign_ins_used (used_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The present epoch of an account: it moves when everything that was granted to its user ends. No row: 0.
CREATE TABLE IF NOT EXISTS epochs (
    user_id INT NOT NULL PRIMARY KEY,
    epoch INT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
