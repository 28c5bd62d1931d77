-- From when on `almanac serve` fires a job: what was missed before that was nobody's to fire.
CREATE TABLE schedules (
    job        VARCHAR(64) NOT NULL PRIMARY KEY,
    kept_since DATETIME(6) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
