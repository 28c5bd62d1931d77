-- What all workers together have been granted to send. Where Redis keeps that, there is no row.
-- held_until: nothing starts before. others: letters of the last 24 hours that are not counted here.
-- recent, of_day: what was granted in the last stretch of the pace, and in the last 24 hours: "moment:letters,…", moments in
-- microseconds since 1970.
CREATE TABLE send_log (
    name TEXT NOT NULL PRIMARY KEY,
    held_until INTEGER NOT NULL DEFAULT 0,
    others INTEGER NOT NULL DEFAULT 0,
    recent TEXT NOT NULL,
    of_day TEXT NOT NULL
);

-- What is known of the quota. per_second, per_day: by the provider's own word; 0 and -1 while it has said nothing, or sets no
-- limit. bounces_leave, complaints_leave: how much of the pace they leave, in hundredths. answered: whether anybody has
-- looked it up yet.
CREATE TABLE send_quota (
    name TEXT NOT NULL PRIMARY KEY,
    asked_at INTEGER NOT NULL DEFAULT 0,
    answered INTEGER NOT NULL DEFAULT 0,
    per_second REAL NOT NULL DEFAULT 0,
    per_day INTEGER NOT NULL DEFAULT -1,
    bounces_leave INTEGER NOT NULL DEFAULT 100,
    complaints_leave INTEGER NOT NULL DEFAULT 100
);
