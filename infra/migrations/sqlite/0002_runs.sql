-- Runs: a job's firings, the batches each was divided into, and what waits to be said about them.
CREATE TABLE runs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    job TEXT NOT NULL,
    run_key TEXT NOT NULL,
    owner_token TEXT NOT NULL,
    trigger_kind TEXT NOT NULL,
    scheduled_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'open',
    control TEXT NOT NULL DEFAULT 'run',
    parameters TEXT NOT NULL,
    checkpoint INTEGER NOT NULL DEFAULT 0,
    checkpoint_at INTEGER NOT NULL DEFAULT 0,
    plan_complete INTEGER NOT NULL DEFAULT 0,
    planned INTEGER NOT NULL DEFAULT 0,
    ledger TEXT NOT NULL,
    error TEXT NOT NULL,
    peak_rss_bytes INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX runs_job_key ON runs (job, run_key);
CREATE INDEX runs_state ON runs (state, id);

-- subjects: the users of the batch and how many contacts each had when the run was planned, "7:20,8:19".
-- cursor_position: positions before it have been claimed. claims: how many claims there were, the fence between workers.
CREATE TABLE batches (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    subjects TEXT NOT NULL,
    planned INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'planned',
    prepared_by TEXT NOT NULL DEFAULT '00000000000000000000000000000000',
    cursor_position INTEGER NOT NULL DEFAULT 0,
    claims INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    cause TEXT NOT NULL,
    finished_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX batches_run ON batches (run_id, state);
CREATE INDEX batches_to_queue ON batches (state, queued, not_before);

-- What a closed run has to say, written with its closing and sent afterwards.
CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'due',
    not_before INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL
);
CREATE INDEX outbox_due ON outbox (state, not_before);
CREATE INDEX outbox_run ON outbox (run_id);

-- The news of one machine: where there is no topic and no bus, events and alerts stay here.
CREATE TABLE news (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    happened_at INTEGER NOT NULL
);

-- The queue of one machine: where there is no SQS, messages stand here.
CREATE TABLE queue_messages (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    visible_at INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt TEXT NOT NULL DEFAULT '00000000000000000000000000000000',
    holder TEXT NOT NULL DEFAULT '00000000000000000000000000000000',
    dead INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX queue_messages_visible ON queue_messages (queue, dead, visible_at);

-- Keys made once for these records: short codes and unsubscribe links depend on them.
CREATE TABLE link_keys (
    name TEXT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL
);
