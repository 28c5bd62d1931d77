-- From when on `almanac serve` fires a job: what was missed before that was nobody's to fire.
CREATE TABLE schedules (
    job TEXT NOT NULL PRIMARY KEY,
    kept_since INTEGER NOT NULL
) WITHOUT ROWID;
