-- Columns of properties that are not filled yet in older rows. They are called properties.plan.
CREATE TABLE mixduck.filling (
    table_name VARCHAR NOT NULL,
    property   VARCHAR NOT NULL,
    type       VARCHAR NOT NULL,
    auto       BOOLEAN NOT NULL    -- chosen by Mixduck
);

-- The rows in which they are not filled, in pieces: days, one of several parts of a day, or of a keyed table.
CREATE TABLE mixduck.unfilled (
    table_name VARCHAR NOT NULL,
    from_day   DATE,               -- NULL in keyed tables
    to_day     DATE,
    part       BIGINT NOT NULL,
    parts      BIGINT NOT NULL
);

-- Columns that Mixduck has chosen keep the name properties.plan.
ALTER TABLE mixduck.promoted ADD COLUMN auto BOOLEAN;        -- NULL is false
ALTER TABLE mixduck.promoted ADD COLUMN since DATE;        -- first day of the column
ALTER TABLE mixduck.promoted ADD COLUMN last_read DATE;    -- last known day with a query that read it

-- As before, but faster: the counts are read and grouped once, without a filter on each of them.
CREATE OR REPLACE VIEW mixduck.properties AS
WITH counts AS MATERIALIZED (
    SELECT table_name, event_name, property, json_type, sum(row_count)::BIGINT AS row_count, min(day) AS first_day, max(day) AS last_day
    FROM mixduck.property_counts
    GROUP BY ALL
),
shares AS (
    SELECT *, max(row_count) FILTER (json_type IS NULL) OVER (PARTITION BY table_name, event_name) AS event_rows FROM counts
),
examples AS (
    SELECT table_name, event_name, property, json_type, min(example) AS example
    FROM mixduck.property_examples
    GROUP BY ALL
),
described AS (
    SELECT project, kind, event_name, property, min(description) AS description
    FROM mixduck.property_descriptions
    GROUP BY ALL
)
SELECT
    c.table_name,
    c.event_name,
    c.property,
    string_agg(c.json_type, ', ' ORDER BY c.row_count DESC, c.json_type) AS types,
    sum(c.row_count)::BIGINT AS row_count,
    sum(c.row_count) / any_value(c.event_rows) AS share,
    min(c.first_day) AS first_day,
    max(c.last_day) AS last_day,
    arg_max(x.example, c.row_count) FILTER (c.json_type <> 'null') AS example,
    bool_or(p.property IS NOT NULL) AS promoted,
    any_value(d.description) AS description
FROM shares AS c
LEFT JOIN examples AS x ON x.table_name = c.table_name AND x.event_name IS NOT DISTINCT FROM c.event_name AND x.property = c.property AND x.json_type = c.json_type
LEFT JOIN mixduck.promoted AS p ON p.table_name = c.table_name AND p.property = c.property
LEFT JOIN mixduck.tables AS t ON t.table_name = c.table_name
LEFT JOIN described AS d ON d.project = t.project AND d.property = c.property
    AND if(t.type = 'events', d.kind = 'event' AND d.event_name = c.event_name, d.kind = 'profile')
WHERE c.json_type IS NOT NULL
GROUP BY c.table_name, c.event_name, c.property;
