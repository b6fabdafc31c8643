-- What Mixduck stores about its tables: one row per table, per day, per window, and per line that was not an event.
CREATE TABLE mixduck.fence (value BIGINT NOT NULL);
INSERT INTO mixduck.fence VALUES (0);

CREATE TABLE mixduck.tables (
    table_name VARCHAR NOT NULL,
    type       VARCHAR NOT NULL,   -- events
    project    VARCHAR NOT NULL,
    filter     VARCHAR NOT NULL,   -- what the table contains: JSON of event names and expression; '' means everything
    job_id     VARCHAR NOT NULL,   -- of the job that created the table
    created_at TIMESTAMP NOT NULL  -- UTC, like all times here
);

CREATE TABLE mixduck.coverage (
    table_name VARCHAR NOT NULL,
    day        DATE NOT NULL,
    state      VARCHAR NOT NULL,   -- complete, or partial: fetched before the day had ended
    row_count  BIGINT NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    job_id     VARCHAR NOT NULL
);

CREATE TABLE mixduck.receipts (
    table_name  VARCHAR NOT NULL,
    from_date   DATE NOT NULL,
    to_date     DATE NOT NULL,
    lines       BIGINT NOT NULL,   -- received; lines = row_count + duplicates + quarantined
    row_count   BIGINT NOT NULL,   -- stored
    duplicates  BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    bytes       BIGINT NOT NULL,   -- of the response, as received
    hash        VARCHAR NOT NULL,  -- XXH3 of these bytes, hexadecimal
    job_id      VARCHAR NOT NULL,
    fetched_at  TIMESTAMP NOT NULL, -- when the request was sent
    loaded_at   TIMESTAMP NOT NULL
);

CREATE TABLE mixduck.quarantine (
    table_name  VARCHAR NOT NULL,
    from_date   DATE NOT NULL,     -- the window with the line
    to_date     DATE NOT NULL,
    day         DATE,              -- the line's day, if known
    line_number BIGINT NOT NULL,   -- from 1, in the response
    reason      VARCHAR NOT NULL,
    line        BLOB NOT NULL,     -- verbatim, without its newline
    job_id      VARCHAR NOT NULL,
    received_at TIMESTAMP NOT NULL
);

CREATE VIEW main._metadata AS
SELECT
    t.table_name,
    t.type,
    max(c.fetched_at)             AS fetched_at,
    min(c.day)                    AS from_date,
    max(c.day)                    AS to_date,
    coalesce(sum(c.row_count), 0) AS row_count
FROM mixduck.tables AS t
LEFT JOIN mixduck.coverage AS c USING (table_name)
GROUP BY ALL;
