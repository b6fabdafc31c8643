-- title: Top events
-- about: The most frequent events, compared with as many days before.
-- param: from date default "30d" "First day, included"
-- param: to date default "yesterday" "Last day, included"
-- param: limit number default "50" "Number of events to show"

-- Events without a distinct_id count in totals, but not as users.
SELECT
    event_name AS event,
    count(*) FILTER (day >= CAST($from AS DATE)) AS total,
    count(DISTINCT nullif(distinct_id, '')) FILTER (day >= CAST($from AS DATE)) AS users,
    count(*) FILTER (day < CAST($from AS DATE)) AS total_before,
    round(100 * (total - total_before) / nullif(total_before, 0), 1) AS change_percent
FROM events
WHERE day BETWEEN CAST($from AS DATE) - CAST(CAST($to AS DATE) - CAST($from AS DATE) + 1 AS INTEGER) AND CAST($to AS DATE)
GROUP BY event_name
ORDER BY total DESC, total_before DESC, event
LIMIT CAST($limit AS BIGINT)
