ALTER TABLE batches
    -- 1 when no letter of an ended batch is in doubt any more, and none can come to be.
    ADD COLUMN heard_out TINYINT NOT NULL DEFAULT 0,
    -- How many letters of a batch were in doubt and were not taken, by their provider's silence: their `send_state` is 6, as
    -- long as nothing else is heard of them.
    ADD COLUMN not_taken INT NOT NULL DEFAULT 0,
    ADD KEY batches_heard_out (heard_out);
