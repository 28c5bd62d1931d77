-- How many of the last days' letters came back: the rare kinds are found by when their letters were sent.
CREATE INDEX feedback_kind ON feedback (kind, claimed_at);
