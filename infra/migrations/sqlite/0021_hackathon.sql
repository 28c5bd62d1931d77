-- The teams that a run of a monitor judges, as they were at its beginning.
CREATE TABLE monitored_teams (
    run_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    team TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Of its variables, those that the monitor reads, as JSON.
    variables TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

-- What was measured of each of them, as JSON.
CREATE TABLE measurements (
    run_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    measured TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

-- What a criterion says of each: the history of every criterion per team.
CREATE TABLE verdicts (
    run_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hackathon TEXT NOT NULL,
    criterion TEXT NOT NULL,
    team TEXT NOT NULL,
    -- The scheduled time of the run.
    judged_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    -- -1 for none.
    score INTEGER NOT NULL,
    reason TEXT NOT NULL,
    metrics TEXT NOT NULL,
    -- 'waiting', 'sent', 'refused' by the Hub, 'kept' for it, 'superseded' by a later one, 'settling' after changes to and fro,
    -- or 'withheld' because it says nothing.
    reported TEXT NOT NULL DEFAULT 'waiting',
    -- Why it was refused.
    report_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;
CREATE INDEX verdicts_history ON verdicts (hackathon, criterion, team, run_id);
CREATE INDEX verdicts_reported ON verdicts (hackathon, criterion, reported, run_id);

-- Whose turn it is to tell the Hub of a criterion: one process at a time, so that nothing old overtakes something new.
CREATE TABLE hub_turns (
    hackathon TEXT NOT NULL,
    criterion TEXT NOT NULL,
    token TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    PRIMARY KEY (hackathon, criterion)
) WITHOUT ROWID;
