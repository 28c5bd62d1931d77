-- What becomes of a run's letters in doubt: 'never-again', or 'once-more', tried a second time when all else of their batch
-- has an outcome.
ALTER TABLE runs ADD COLUMN when_in_doubt TEXT NOT NULL DEFAULT 'never-again';

-- 1 when a batch's doubts have had their second try, as far as they may still be sent.
ALTER TABLE batches ADD COLUMN doubts_retried INTEGER NOT NULL DEFAULT 0;

-- 1 where a claim's letters were in doubt already: they are not tried a third time.
ALTER TABLE sends ADD COLUMN second_try INTEGER NOT NULL DEFAULT 0;
