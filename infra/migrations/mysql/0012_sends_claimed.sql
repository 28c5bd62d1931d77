-- Which batches sent something in a stretch of time, and how much: what comes due is found by when it was sent.
-- A large table, which is written while this goes on. By itself, because MySQL keeps what was done of a migration that is cut
-- off.
ALTER TABLE sends ADD KEY sends_claimed (claimed_at, batch_id, accepted), ALGORITHM=INPLACE, LOCK=NONE;
