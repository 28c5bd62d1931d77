-- Users who are gone while contacts of theirs are still here, and when that was first seen.
CREATE TABLE ownerless (
    user_id BIGINT      NOT NULL PRIMARY KEY,
    since   DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What a run of the clean-up has done to how many rows.
CREATE TABLE cleaned (
    run_id    BIGINT      NOT NULL,
    what      VARCHAR(32) NOT NULL,
    rows_done BIGINT      NOT NULL,
    PRIMARY KEY (run_id, what)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
