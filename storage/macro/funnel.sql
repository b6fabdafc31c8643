-- How many users did several events in order, within a time after the first one.
--
-- A user enters with the first event of the first step in the range (ordering := 'any': of any step), and takes each
-- later step with its next event. A moment orders events by time, and then by the first step with that name. So events
-- at the same time count in the order of the steps, and steps with the same event must be at different times. Its lowest
-- five bits are the step, and the next five the first step with the same name.
funnel(source, steps, filters := NULL, within := INTERVAL 7 DAY, ordering := 'specific', group_by := NULL, from_day := NULL, to_day := NULL) AS TABLE
WITH RECURSIVE wanted AS MATERIALIZED (
    SELECT step, steps[step] AS step_event, list_position(steps, steps[step]) AS same
    FROM range(1, len(steps) + 1) AS s(step)
    WHERE CASE WHEN ordering NOT IN ('specific', 'any') THEN error('ordering must be specific or any')
        WHEN len(steps) > 31 THEN error('a funnel has at most 31 steps') ELSE true END
), relevant AS MATERIALIZED (
    SELECT
        distinct_id,
        step,
        epoch_us(event_time) * 1024 + same * 32 + step AS moment,
        to_day IS NULL OR day <= CAST(to_day AS DATE) AS may_enter,
        CASE WHEN step = 1 OR ordering = 'any' THEN CAST(group_by AS VARCHAR) END AS value
    FROM query_table(source)
    JOIN wanted ON step_event = event_name AND (filters IS NULL OR filters[step])
    WHERE distinct_id <> ''
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(CAST(to_day AS DATE) + CAST(within AS INTERVAL) AS DATE) + 2)
), entered AS MATERIALIZED (
    SELECT distinct_id, min(moment) AS began, arg_min_null(value, moment) AS value
    FROM relevant
    WHERE may_enter AND (step = 1 OR ordering = 'any')
    GROUP BY distinct_id
), taken AS (
    SELECT
        distinct_id, 1 AS n, began AS moment, CAST(1 AS BIGINT) << (began & 31) AS done,
        epoch_us(make_timestamp(began >> 10) + CAST(within AS INTERVAL)) * 1024 + 1023 AS deadline
    FROM entered
    UNION ALL
    SELECT t.distinct_id, t.n + 1, min(r.moment), any_value(t.done) | (CAST(1 AS BIGINT) << (min(r.moment) & 31)), any_value(t.deadline)
    FROM taken AS t
    JOIN relevant AS r ON r.distinct_id = t.distinct_id AND r.moment > (t.moment | 31) AND r.moment <= t.deadline
        AND (ordering = 'any' OR r.step = t.n + 1)
        AND (ordering <> 'any' OR t.done & (CAST(1 AS BIGINT) << r.step) = 0)
    GROUP BY t.distinct_id, t.n
), counted AS (
    SELECT e.value, t.n, count(*) AS users, avg(((t.moment >> 10) - (e.began >> 10)) / 1e6) AS seconds
    FROM taken AS t
    JOIN entered AS e ON e.distinct_id = t.distinct_id
    GROUP BY e.value, t.n
), all_values AS (
    SELECT DISTINCT value FROM counted UNION SELECT NULL WHERE NOT EXISTS (FROM counted)
)
SELECT
    v.value,
    w.step,
    CASE WHEN ordering = 'any' THEN 'any ' || w.step || ' of the steps' ELSE w.step_event END AS event,
    coalesce(c.users, 0) AS users,
    round(100 * coalesce(c.users, 0) / nullif(first_value(c.users) OVER each, 0), 1) AS percent_of_first,
    round(100 * coalesce(c.users, 0) / nullif(lag(c.users) OVER each, 0), 1) AS percent_of_previous,
    round(c.seconds, 1) AS seconds_from_first
FROM all_values AS v
CROSS JOIN wanted AS w
LEFT JOIN counted AS c ON c.n = w.step AND c.value IS NOT DISTINCT FROM v.value
WINDOW each AS (PARTITION BY v.value ORDER BY w.step)
ORDER BY v.value, w.step
