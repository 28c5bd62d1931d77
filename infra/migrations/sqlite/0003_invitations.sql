-- Invitations: who is in a month's cycle, what each contact was sent, and why others were not.
CREATE TABLE cycle_members (
    month INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (month, user_id)
) WITHOUT ROWID;

-- id: the batch's id times 65536 plus the position in it, so a claim is a range of the primary key.
-- send_state: 0 planned, 2 sent, 3 failed, 4 in doubt, 5 cancelled (1, sending, is a planned row under an open claim).
-- status: 0 queued, 1 sent, 2 opened, 3 started, 4 submitted, 5 expired, 6 bounced, 7 cancelled. kind: 0 external, 1 user.
CREATE TABLE invitations (
    id INTEGER NOT NULL PRIMARY KEY,
    month INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    contact_id INTEGER NOT NULL,
    to_email TEXT NOT NULL,
    token BLOB NOT NULL,
    kind INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0,
    send_state INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER NOT NULL DEFAULT 0,
    opened_at INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER NOT NULL DEFAULT 0,
    submitted_at INTEGER NOT NULL DEFAULT 0,
    expires_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX invitations_month_contact ON invitations (month, contact_id);

-- One row per claim, which is one call to a provider: positions first to last of a batch, or those listed.
-- state: 0 open, 1 settled, 2 in doubt. outcome: provider ids and refusals, one line a position.
CREATE TABLE sends (
    batch_id INTEGER NOT NULL,
    claim INTEGER NOT NULL,
    nonce TEXT NOT NULL,
    holder TEXT NOT NULL,
    provider TEXT NOT NULL,
    first_position INTEGER NOT NULL,
    last_position INTEGER NOT NULL,
    listed TEXT NOT NULL,
    letters INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    claimed_at INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    settled_at INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL,
    PRIMARY KEY (batch_id, claim)
) WITHOUT ROWID;
CREATE INDEX sends_open ON sends (state, lease_until);

-- Who was not written to, and why: one row per user and reason, with the contacts that it holds for, "12,15".
CREATE TABLE skips (
    run_id INTEGER NOT NULL,
    batch_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    reason TEXT NOT NULL,
    contacts INTEGER NOT NULL,
    contact_ids TEXT NOT NULL,
    skipped_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, batch_id, user_id, reason)
) WITHOUT ROWID;
CREATE INDEX skips_user ON skips (user_id, run_id);
