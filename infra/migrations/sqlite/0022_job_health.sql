-- How monitors fare: a row per job, counted up by each of its executions.
CREATE TABLE job_health (
    job TEXT NOT NULL PRIMARY KEY,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    -- Since the last that went well.
    failed_in_row INTEGER NOT NULL DEFAULT 0,
    -- The latest executions, the last one first: + went well, - failed.
    latest TEXT NOT NULL DEFAULT '',
    took_ms INTEGER NOT NULL DEFAULT 0,
    teams INTEGER NOT NULL DEFAULT 0,
    last_at INTEGER NOT NULL DEFAULT 0,
    last_fault TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
