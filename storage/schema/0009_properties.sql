-- The catalogue of properties: one row per table, day, event, property and JSON type. A row without a property counts the
-- rows of the event; one with the type other counts occurrences of properties beyond the limits. In keyed tables, day and
-- event_name are NULL.
CREATE TABLE mixduck.property_counts (
    table_name VARCHAR NOT NULL,
    day        DATE,
    event_name VARCHAR,
    property   VARCHAR,
    json_type  VARCHAR,            -- string, integer, number, boolean, null, array, object, other; NULL for the event
    row_count  BIGINT NOT NULL
);

-- One value for each property and type of an event, from a row of the day.
CREATE TABLE mixduck.property_examples (
    table_name VARCHAR NOT NULL,
    day        DATE,
    event_name VARCHAR,
    property   VARCHAR NOT NULL,
    json_type  VARCHAR NOT NULL,
    example    VARCHAR NOT NULL    -- the beginning of the value
);

-- Lexicon's descriptions, copied from the table with its properties.
CREATE TABLE mixduck.property_descriptions (
    table_name  VARCHAR NOT NULL,  -- the table of Lexicon's properties
    project     VARCHAR NOT NULL,
    kind        VARCHAR NOT NULL,  -- event or profile
    event_name  VARCHAR,
    property    VARCHAR NOT NULL,
    description VARCHAR NOT NULL
);

-- The columns of the typed views in the schema model, in their order. A view with the common columns only has one row, with
-- the column name ''.
CREATE TABLE mixduck.model_columns (
    table_name  VARCHAR NOT NULL,
    event_name  VARCHAR,           -- NULL for keyed tables
    property    VARCHAR NOT NULL,
    view_name   VARCHAR NOT NULL,
    column_name VARCHAR NOT NULL,
    type        VARCHAR NOT NULL,
    position    BIGINT NOT NULL
);

-- What older versions have loaded, and was not counted yet. For keyed tables, day is NULL.
CREATE TABLE mixduck.uncounted (
    table_name VARCHAR NOT NULL,
    day        DATE
);
INSERT INTO mixduck.uncounted SELECT table_name, day FROM mixduck.coverage WHERE row_count > 0 ORDER BY ALL;
INSERT INTO mixduck.uncounted SELECT table_name, NULL FROM mixduck.keyed WHERE row_count > 0;

CREATE VIEW mixduck.properties AS
WITH counts AS (
    SELECT table_name, event_name, property, json_type, sum(row_count)::BIGINT AS row_count, min(day) AS first_day, max(day) AS last_day
    FROM mixduck.property_counts
    GROUP BY ALL
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
    sum(c.row_count) / any_value(e.row_count) AS share,
    min(c.first_day) AS first_day,
    max(c.last_day) AS last_day,
    arg_max(x.example, c.row_count) FILTER (c.json_type <> 'null') AS example,
    bool_or(p.property IS NOT NULL) AS promoted,
    any_value(d.description) AS description
FROM counts AS c
JOIN counts AS e ON e.table_name = c.table_name AND e.event_name IS NOT DISTINCT FROM c.event_name AND e.property IS NULL AND e.json_type IS NULL
LEFT JOIN examples AS x ON x.table_name = c.table_name AND x.event_name IS NOT DISTINCT FROM c.event_name AND x.property = c.property AND x.json_type = c.json_type
LEFT JOIN mixduck.promoted AS p ON p.table_name = c.table_name AND p.property = c.property
LEFT JOIN mixduck.tables AS t ON t.table_name = c.table_name
LEFT JOIN described AS d ON d.project = t.project AND d.property = c.property
    AND if(t.type = 'events', d.kind = 'event' AND d.event_name = c.event_name, d.kind = 'profile')
WHERE c.json_type IS NOT NULL
GROUP BY c.table_name, c.event_name, c.property;
