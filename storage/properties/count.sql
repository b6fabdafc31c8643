-- The properties of some rows by day, event and JSON type, counted from the rows themselves. Most rows have one of few
-- combinations of names and types, so only one row of each is taken apart.
WITH shapes AS MATERIALIZED (
    SELECT {day} AS day, {event} AS event_name, mixduck_shape(properties::VARCHAR) AS shape, min(rowid) AS first_row, count(*) AS n
    FROM {table}
    WHERE {condition}
    GROUP BY ALL
),
events AS MATERIALIZED (
    SELECT day, event_name, sum(n)::BIGINT AS n,
        row_number() OVER (PARTITION BY day ORDER BY sum(n) DESC, event_name) <= {events} AS kept
    FROM shapes
    GROUP BY day, event_name
),
parts AS (
    SELECT s.day, s.event_name, s.n, unnest(mixduck_fields(t.properties::VARCHAR)) AS field
    FROM shapes AS s JOIN {table} AS t ON t.rowid = s.first_row
),
split AS (
    SELECT day, event_name, n, left(field, 1) AS digit, substr(field, 2, 7)::BIGINT AS length, field FROM parts
),
fields AS (
    SELECT day, event_name, digit, substr(field, 9, length) AS property, sum(n)::BIGINT AS n, min(substr(field, 9 + length)) AS example
    FROM split
    GROUP BY ALL
),
totals AS (
    SELECT *, sum(n) OVER (PARTITION BY day, event_name, property) AS total FROM fields
),
ranked AS (
    SELECT *, dense_rank() OVER (PARTITION BY day, event_name ORDER BY digit = '{other}', total DESC, property) <= {properties} AND digit <> '{other}' AS kept
    FROM totals
),
named_fields AS (
    SELECT r.day, if(e.kept, r.event_name, NULL) AS event_name, if(e.kept AND r.kept, r.property, NULL) AS property,
        if(e.kept AND r.kept, ({kinds})[r.digit::INTEGER + 1], 'other') AS json_type, r.n, if(e.kept AND r.kept, r.example, NULL) AS example
    FROM ranked AS r JOIN events AS e ON e.day IS NOT DISTINCT FROM r.day AND e.event_name IS NOT DISTINCT FROM r.event_name
),
named_events AS (
    SELECT day, if(kept, event_name, NULL) AS event_name, n FROM events
)
SELECT day, event_name, NULL AS property, NULL AS json_type, sum(n)::BIGINT AS row_count, NULL AS example
FROM named_events
GROUP BY ALL
UNION ALL
SELECT day, event_name, property, json_type, sum(n)::BIGINT, min(example)
FROM named_fields
GROUP BY ALL
