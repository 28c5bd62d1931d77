-- How monitors fare: a row per job, counted up by each of its executions.
CREATE TABLE job_health (
    job           VARCHAR(64)  NOT NULL PRIMARY KEY,
    succeeded     BIGINT       NOT NULL DEFAULT 0,
    failed        BIGINT       NOT NULL DEFAULT 0,
    -- Since the last that went well.
    failed_in_row BIGINT       NOT NULL DEFAULT 0,
    -- The latest executions, the last one first: + went well, - failed.
    latest        VARCHAR(64)  NOT NULL DEFAULT '',
    took_ms       BIGINT       NOT NULL DEFAULT 0,
    teams         BIGINT       NOT NULL DEFAULT 0,
    last_at       DATETIME(6)  NOT NULL DEFAULT '1970-01-01 00:00:00',
    last_fault    VARCHAR(255) NOT NULL DEFAULT ''
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
