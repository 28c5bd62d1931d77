-- 1 when no letter of an ended batch is in doubt any more, and none can come to be.
ALTER TABLE batches ADD COLUMN heard_out INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_heard_out ON batches (heard_out);

-- How many letters of a batch were in doubt and were not taken, by their provider's silence: their `send_state` is 6, as long
-- as nothing else is heard of them.
ALTER TABLE batches ADD COLUMN not_taken INTEGER NOT NULL DEFAULT 0;
