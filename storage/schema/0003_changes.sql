-- Why a day is not asked for again, and what days that were stored before have become.
ALTER TABLE mixduck.coverage ADD COLUMN reason VARCHAR; -- of unavailable days, and of partial ones that stay so; NULL else

ALTER TABLE mixduck.receipts ADD COLUMN added BIGINT DEFAULT 0;   -- rows of days that were stored, which were not there
ALTER TABLE mixduck.receipts ADD COLUMN removed BIGINT DEFAULT 0; -- rows that no longer came
ALTER TABLE mixduck.receipts ADD COLUMN updated BIGINT DEFAULT 0; -- rows that had been processed again

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
