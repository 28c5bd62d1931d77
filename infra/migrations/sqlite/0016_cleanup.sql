-- Users who are gone while contacts of theirs are still here, and when that was first seen.
CREATE TABLE ownerless (
    user_id INTEGER NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL
);

-- What a run of the clean-up has done to how many rows.
CREATE TABLE cleaned (
    run_id INTEGER NOT NULL,
    what TEXT NOT NULL,
    rows_done INTEGER NOT NULL,
    PRIMARY KEY (run_id, what)
) WITHOUT ROWID;
