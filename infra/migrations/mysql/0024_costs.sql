-- What a provider has billed a team of a hackathon for a day, as the last import said.
CREATE TABLE cost_days (
    hackathon VARCHAR(64)  NOT NULL,
    team      VARCHAR(128) NOT NULL,
    -- A day of UTC, as YYYYMMDD.
    day       INT          NOT NULL,
    provider  VARCHAR(128) NOT NULL,
    -- The three letters of ISO 4217.
    currency  VARCHAR(3)   NOT NULL,
    -- Millionths of the currency's unit; less than nothing where more was credited than charged.
    micros    BIGINT       NOT NULL,
    PRIMARY KEY (hackathon, team, day, provider, currency)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
