-- title: Breakdown
-- about: How often an event happened, by the values of a property.
-- param: from date default "30d" "First day, included"
-- param: to date default "yesterday" "Last day, included"
-- param: event event required "Event to count"
-- param: property property required "Property to count by"
-- param: unit text default "all" choices "all|day|week|month" "Length of a period; all: one for the whole range"
-- param: limit number default "50" "Number of values to show, the most frequent ones of the range"
-- check: segmentation

-- The value is NULL for events without the property.
WITH counted AS (
    SELECT
        if($unit = 'all', CAST($from AS DATE), CAST(date_trunc(if($unit = 'all', 'day', $unit), day) AS DATE)) AS period,
        properties->>('/' || replace(replace($property, '~', '~0'), '/', '~1')) AS value,
        count(*) AS total,
        count(DISTINCT nullif(distinct_id, '')) AS users
    FROM events
    WHERE day BETWEEN CAST($from AS DATE) AND CAST($to AS DATE) AND event_name = $event
    GROUP BY ALL
), frequent AS (
    SELECT value, sum(total) AS total FROM counted GROUP BY value ORDER BY total DESC, value LIMIT CAST($limit AS BIGINT)
)
SELECT c.period, c.value, c.total, c.users
FROM counted AS c
JOIN frequent AS f ON f.value IS NOT DISTINCT FROM c.value
ORDER BY c.period, f.total DESC, c.value
