-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- What users are signed in on: the devices of sign_ins, with what people call them.

CREATE TABLE IF NOT EXISTS devices (
    user_id INT NOT NULL,
    -- the client's id of it; empty: it did not say
    device VARBINARY(256) NOT NULL,
    name VARCHAR(50) NOT NULL,
    kind SMALLINT NOT NULL,
    -- when its user first signed in on it
    created_at BIGINT NOT NULL,
    -- whether the user's others were told of that, as far as there were any
    told SMALLINT NOT NULL,
    PRIMARY KEY (user_id, device)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
