-- How many of the last days' letters came back: the rare kinds are found by when their letters were sent.
-- A large table, which is written while this goes on. By itself, because MySQL keeps what was done of a migration that is cut
-- off.
ALTER TABLE feedback ADD KEY feedback_kind (kind, claimed_at), ALGORITHM=INPLACE, LOCK=NONE;
