-- Why a day is not requested again, and how already stored days have changed.
ALTER TABLE mixduck.coverage ADD COLUMN reason VARCHAR; -- for unavailable days, and for partial ones that stay partial; otherwise NULL

ALTER TABLE mixduck.receipts ADD COLUMN added BIGINT DEFAULT 0;   -- new rows of already stored days
ALTER TABLE mixduck.receipts ADD COLUMN removed BIGINT DEFAULT 0; -- rows that Mixpanel no longer sends
ALTER TABLE mixduck.receipts ADD COLUMN updated BIGINT DEFAULT 0; -- rows that were processed again

CREATE OR REPLACE VIEW main._metadata AS
SELECT
    t.table_name,
    t.type,
    max(c.fetched_at)             AS fetched_at,
    min(c.day)                    AS from_date,
    max(c.day)                    AS to_date,
    coalesce(sum(c.row_count), 0) AS row_count
FROM mixduck.tables AS t
LEFT JOIN mixduck.coverage AS c ON c.table_name = t.table_name AND c.state <> 'unavailable'
GROUP BY ALL;
