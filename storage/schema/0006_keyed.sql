-- Tables with a key, and the results of their refreshes.
CREATE TABLE mixduck.keyed (
    table_name VARCHAR NOT NULL,
    history    BOOLEAN NOT NULL,   -- earlier versions of rows are kept
    row_count  BIGINT NOT NULL,    -- of the table, including earlier versions
    fetched_at TIMESTAMP NOT NULL, -- when the first request of the last refresh was sent
    full_at    TIMESTAMP           -- the same for the last full refresh; NULL if there was none
);

ALTER TABLE mixduck.receipts ADD COLUMN unchanged BIGINT DEFAULT 0; -- unchanged rows of a keyed table
ALTER TABLE mixduck.receipts ADD COLUMN requests BIGINT;            -- of a refresh; NULL for windows of events
ALTER TABLE mixduck.receipts ADD COLUMN is_full BOOLEAN;            -- missing rows were removed; NULL for windows of events
ALTER TABLE mixduck.receipts ADD COLUMN scope VARCHAR;              -- the part of a keyed table that was refreshed, such as a cohort; NULL for all of it
ALTER TABLE mixduck.receipts ADD COLUMN note VARCHAR DEFAULT '';    -- a note for people about the refresh

CREATE OR REPLACE VIEW main._metadata AS
SELECT
    t.table_name,
    t.type,
    coalesce(max(k.fetched_at), max(c.fetched_at))                  AS fetched_at,
    min(c.day)                                                      AS from_date,
    max(c.day)                                                      AS to_date,
    coalesce(max(k.row_count)::HUGEINT, sum(c.row_count), 0)        AS row_count
FROM mixduck.tables AS t
LEFT JOIN mixduck.coverage AS c ON c.table_name = t.table_name AND c.state <> 'unavailable'
LEFT JOIN mixduck.keyed AS k ON k.table_name = t.table_name
GROUP BY ALL;
