-- The X-Ray trace of the firing that opened a run; empty on one machine. (MySQL also widens a column here.)
ALTER TABLE runs ADD COLUMN trace TEXT NOT NULL DEFAULT '';
