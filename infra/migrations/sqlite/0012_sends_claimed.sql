-- Which batches sent something in a stretch of time, and how much: what comes due is found by when it was sent.
CREATE INDEX sends_claimed ON sends (claimed_at, batch_id, accepted);
