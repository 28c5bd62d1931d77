-- Alerts: a row per condition, which is raised or has cleared. times: how often it was found since it was raised.
CREATE TABLE alerts (
    job TEXT NOT NULL,
    cause TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'cleared',
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    run_id INTEGER NOT NULL DEFAULT 0,
    times INTEGER NOT NULL DEFAULT 0,
    first_at INTEGER NOT NULL DEFAULT 0,
    last_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (job, cause, subject)
);
CREATE INDEX alerts_state ON alerts (state, last_at);
