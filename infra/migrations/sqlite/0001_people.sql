-- People: users, and the contacts that they know.
-- A moment is whole microseconds since 1970, UTC; one that has not come is 0.
CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    external_id TEXT NOT NULL,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'user',
    active INTEGER NOT NULL DEFAULT 1,
    email_verified INTEGER NOT NULL DEFAULT 0,
    last_active_at INTEGER NOT NULL DEFAULT 0,
    locale TEXT NOT NULL DEFAULT 'fr',
    timezone TEXT NOT NULL DEFAULT '',
    send_day INTEGER NOT NULL DEFAULT 5,
    first_reminder INTEGER NOT NULL DEFAULT 1,
    second_reminder INTEGER NOT NULL DEFAULT 1,
    reminder_channel TEXT NOT NULL DEFAULT 'email',
    email_template TEXT NOT NULL DEFAULT 'friendly',
    custom_message TEXT NOT NULL DEFAULT '',
    max_contacts_per_cycle INTEGER NOT NULL DEFAULT 0,
    include_tags TEXT NOT NULL DEFAULT '',
    exclude_tags TEXT NOT NULL DEFAULT '',
    min_response_rate REAL NOT NULL DEFAULT 0,
    min_days_between_invitations INTEGER NOT NULL DEFAULT 0,
    joined_cycles INTEGER NOT NULL DEFAULT 0,
    total_invitations_sent INTEGER NOT NULL DEFAULT 0,
    average_response_rate REAL NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX users_external_id ON users (external_id);

-- A response_rate below 0 is "none yet".
CREATE TABLE contacts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL,
    email TEXT NOT NULL,
    first_name TEXT NOT NULL DEFAULT '',
    last_name TEXT NOT NULL DEFAULT '',
    linked_user_id INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL DEFAULT 'active',
    email_status TEXT NOT NULL DEFAULT 'active',
    bounce_count INTEGER NOT NULL DEFAULT 0,
    last_bounce_at INTEGER NOT NULL DEFAULT 0,
    opted_out INTEGER NOT NULL DEFAULT 0,
    opt_out_reason TEXT NOT NULL DEFAULT '',
    opted_out_at INTEGER NOT NULL DEFAULT 0,
    active INTEGER NOT NULL DEFAULT 1,
    tags TEXT NOT NULL DEFAULT '',
    last_sent_at INTEGER NOT NULL DEFAULT 0,
    invitations_sent INTEGER NOT NULL DEFAULT 0,
    responses_received INTEGER NOT NULL DEFAULT 0,
    response_rate REAL NOT NULL DEFAULT -1,
    source TEXT NOT NULL DEFAULT 'csv'
);
CREATE UNIQUE INDEX contacts_owner_email ON contacts (user_id, email);
CREATE INDEX contacts_email ON contacts (email);

-- Addresses that nobody may write to.
CREATE TABLE suppressions (
    email TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL,
    suppressed_at INTEGER NOT NULL
);
