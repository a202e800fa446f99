-- Every statement may run again: MySQL commits each by itself, and the answer to one may have been lost.
-- What the names of accounts look like, so that no two look alike; see imsys.store.looks. Older accounts that already look like
-- another, and lack some of their rows, stay as they are.

CREATE TABLE IF NOT EXISTS looks (
    -- the SHA-256 of a skeleton
    look BINARY(32) NOT NULL PRIMARY KEY,
    user_id INT NOT NULL,
    KEY looks_user (user_id),
    CONSTRAINT looks_account FOREIGN KEY (user_id) REFERENCES accounts (user_id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
