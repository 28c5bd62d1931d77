-- The X-Ray trace of the firing that opened a run; empty on one machine.
ALTER TABLE runs ADD COLUMN trace VARCHAR(64) NOT NULL DEFAULT '';

-- An item's kind is its event's name, and some are longer than 16.
ALTER TABLE outbox MODIFY COLUMN kind VARCHAR(32) NOT NULL;
