-- Reminders: a row per message. id, send_state and status are an invitation's: see 0003. kind: 1 first, 2 second.
CREATE TABLE reminders (
    id INTEGER NOT NULL PRIMARY KEY,
    invitation_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    send_state INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX reminders_invitation ON reminders (invitation_id, kind);

-- Second reminders that had to wait for a late first, and when they are looked at again. batch_id: the invitation's.
CREATE TABLE waiting_reminders (
    invitation_id INTEGER NOT NULL PRIMARY KEY,
    batch_id INTEGER NOT NULL,
    due_at INTEGER NOT NULL
);
CREATE INDEX waiting_reminders_due ON waiting_reminders (due_at, batch_id);
