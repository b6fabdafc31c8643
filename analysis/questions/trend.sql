-- title: Trend
-- about: How often events happened, and for how many users, by day, week or month.
-- param: from date default "30d" "First day, included"
-- param: to date default "yesterday" "Last day, included"
-- param: events events "Events to count, each separately; none: all events together"
-- param: unit text default "day" choices "day|week|month" "Length of a period; weeks start on Monday"
-- check: event-counts

-- A period without an event has a row with 0. The first and the last period contain only days of the range.
WITH names AS (
    SELECT unnest(from_json($events, '["VARCHAR"]')) AS event
    UNION
    SELECT NULL WHERE json_array_length($events) = 0
), periods AS (
    SELECT DISTINCT CAST(date_trunc($unit, CAST(d.day AS DATE)) AS DATE) AS period
    FROM generate_series(CAST($from AS DATE), CAST($to AS DATE), INTERVAL 1 DAY) AS d(day)
), counted AS (
    SELECT
        CAST(date_trunc($unit, day) AS DATE) AS period,
        if(json_array_length($events) = 0, NULL, event_name) AS event,
        count(*) AS total,
        count(DISTINCT nullif(distinct_id, '')) AS users
    FROM events
    WHERE day BETWEEN CAST($from AS DATE) AND CAST($to AS DATE)
        AND (json_array_length($events) = 0 OR event_name IN (SELECT event FROM names))
    GROUP BY ALL
)
SELECT p.period, coalesce(n.event, 'all events') AS event, coalesce(c.total, 0) AS total, coalesce(c.users, 0) AS users
FROM periods AS p
CROSS JOIN names AS n
LEFT JOIN counted AS c ON c.period = p.period AND c.event IS NOT DISTINCT FROM n.event
ORDER BY period, event
