-- What a provider has billed a team of a hackathon for a day, as the last import said.
CREATE TABLE cost_days (
    hackathon TEXT NOT NULL,
    team TEXT NOT NULL,
    -- A day of UTC, as YYYYMMDD.
    day INTEGER NOT NULL,
    provider TEXT NOT NULL,
    -- The three letters of ISO 4217.
    currency TEXT NOT NULL,
    -- Millionths of the currency's unit; less than nothing where more was credited than charged.
    micros INTEGER NOT NULL,
    PRIMARY KEY (hackathon, team, day, provider, currency)
) WITHOUT ROWID;
