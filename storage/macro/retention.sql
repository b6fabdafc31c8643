-- How many users come back after a first event, by cohort and interval.
--
-- A user belongs to the cohort of the first event in the range, and comes back with another event at the same time or
-- later. Intervals that begin after the last stored day are left out. An interval is complete if its days are stored for
-- all users of the cohort.
retention(source, born, back := NULL, unit := 'day', mode := 'rolling', intervals := 8, from_day := NULL, to_day := NULL, born_filter := true, back_filter := true) AS TABLE
WITH firsts AS (
    SELECT distinct_id, min(event_time) AS born_at, min(day) AS born_day, CAST(date_trunc(unit, min(day)) AS DATE) AS cohort
    FROM query_table(source)
    WHERE distinct_id <> '' AND born_filter
        AND (born IS NULL OR event_name = born)
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(to_day AS DATE))
    GROUP BY distinct_id
), returns AS (
    SELECT distinct_id, event_time AS at, day, coalesce((born IS NULL OR event_name = born) AND born_filter, false) AS may_be_first
    FROM query_table(source)
    WHERE distinct_id <> '' AND back_filter
        AND (back IS NULL OR event_name = back)
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
), returned AS (
    SELECT f.distinct_id, f.cohort,
        CASE WHEN mode = 'calendar' AND unit = 'week' THEN (CAST(date_trunc('week', r.day) AS DATE) - f.cohort) // 7 -- date_diff does not count Mondays
            WHEN mode = 'calendar' THEN date_diff(unit, f.born_day, r.day)
            WHEN mode <> 'rolling' THEN error('mode must be rolling or calendar')
            ELSE (epoch_us(r.at) - epoch_us(f.born_at)) // (86400000000 * CASE unit WHEN 'day' THEN 1 WHEN 'week' THEN 7 WHEN 'month' THEN 30 ELSE error('unit must be day, week or month') END) END AS interval_number,
        bool_or(r.at > f.born_at) OR count(*) > CAST(bool_or(r.may_be_first) AS INTEGER) AS is_return -- the first event itself is none
    FROM firsts AS f
    JOIN returns AS r ON r.distinct_id = f.distinct_id AND r.at >= f.born_at
    GROUP BY ALL
), counted AS (
    SELECT cohort, interval_number, count(*) AS users FROM returned WHERE is_return GROUP BY ALL
), cohorts AS (
    SELECT cohort, min(born_day) AS first_born, max(born_day) AS last_born, count(*) AS users,
        CASE WHEN unit = 'month' AND mode <> 'calendar' THEN INTERVAL 30 DAY ELSE CAST('1 ' || unit AS INTERVAL) END AS length
    FROM firsts
    GROUP BY cohort
), stored AS (
    SELECT max(day) AS last_day FROM query_table(source)
)
SELECT
    c.cohort,
    c.users,
    i.interval_number,
    coalesce(n.users, 0) AS returned,
    round(100 * coalesce(n.users, 0) / c.users, 1) AS percent,
    CASE WHEN mode = 'calendar' THEN c.cohort + (i.interval_number + 1) * c.length - INTERVAL 1 DAY
        ELSE c.last_born + (i.interval_number + 1) * c.length END <= s.last_day AS complete
FROM cohorts AS c
CROSS JOIN stored AS s
CROSS JOIN range(CAST(intervals AS BIGINT)) AS i(interval_number)
LEFT JOIN counted AS n ON n.cohort = c.cohort AND n.interval_number = i.interval_number
WHERE CASE WHEN mode = 'calendar' THEN c.cohort ELSE c.first_born END + i.interval_number * c.length <= s.last_day
ORDER BY c.cohort, i.interval_number
