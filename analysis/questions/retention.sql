-- title: Retention
-- about: How many users come back after a first event, by cohort and interval.
-- param: from date required "First day of the first event, included"
-- param: to date required "Last day of the first event, included"
-- param: born event required "First event"
-- param: return event "Event with which users come back; none: any event"
-- param: unit text default "week" choices "day|week|month" "Length of cohorts and intervals; rolling months have 30 days"
-- param: mode text default "rolling" choices "rolling|calendar" "Intervals since the user's first event, or calendar days, weeks and months"
-- param: intervals number default "8" "Number of intervals"
-- check: retention

-- A user belongs to the cohort of the first event in the range, and comes back in an interval with another event at
-- the same time or later. Intervals that begin after the last stored day are left out.
WITH born AS (
    SELECT
        distinct_id,
        min(event_time) AS at,
        arg_min(day, event_time) AS day,
        CAST(date_trunc($unit, arg_min(day, event_time)) AS DATE) AS cohort
    FROM events
    WHERE day BETWEEN CAST($from AS DATE) AND CAST($to AS DATE) AND event_name = $born AND distinct_id <> ''
    GROUP BY distinct_id
), later AS (
    SELECT
        b.distinct_id, b.cohort,
        if($mode = 'calendar',
            date_diff($unit, b.day, e.day),
            date_diff('microsecond', b.at, e.event_time) // (86400000000 * CASE $unit WHEN 'day' THEN 1 WHEN 'week' THEN 7 ELSE 30 END)
        ) AS "interval",
        e.event_time > b.at AS after,
        count(*) AS n
    FROM born AS b
    JOIN events AS e ON e.distinct_id = b.distinct_id AND e.event_time >= b.at
    WHERE e.day >= CAST($from AS DATE) AND ($return = '' OR e.event_name = $return)
    GROUP BY ALL
), back AS (
    -- The first event itself is not a return.
    SELECT cohort, "interval", count(DISTINCT distinct_id) AS users
    FROM later
    WHERE after OR n > if($return IN ('', $born), 1, 0)
    GROUP BY ALL
), cohorts AS (
    SELECT cohort, min(day) AS first, count(*) AS users FROM born GROUP BY cohort
)
SELECT
    c.cohort, c.users, i."interval",
    coalesce(b.users, 0) AS returned,
    round(100 * returned / c.users, 1) AS percent
FROM cohorts AS c
CROSS JOIN range(CAST($intervals AS BIGINT)) AS i("interval")
LEFT JOIN back AS b ON b.cohort = c.cohort AND b."interval" = i."interval"
WHERE if($mode = 'calendar', c.cohort, c.first) + i."interval" * CASE $unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY
        ELSE if($mode = 'calendar', INTERVAL 1 MONTH, INTERVAL 30 DAY) END <= (SELECT max(day) FROM events)
ORDER BY c.cohort, i."interval"
