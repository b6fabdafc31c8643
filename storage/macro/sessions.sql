-- The sessions of users: a session ends when the user has no event for longer than gap.
sessions(source, gap := INTERVAL 30 MINUTE, filter := true, from_day := NULL, to_day := NULL) AS TABLE
WITH spaced AS (
    SELECT
        distinct_id, event_name, event_time,
        coalesce(event_time - lag(event_time) OVER each > CAST(gap AS INTERVAL), true) AS begins,
        row_number() OVER each AS n
    FROM query_table(source)
    WHERE distinct_id <> '' AND filter
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(to_day AS DATE))
    WINDOW each AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), numbered AS (
    SELECT *, count(*) FILTER (begins) OVER (PARTITION BY distinct_id ORDER BY n ROWS UNBOUNDED PRECEDING) AS session FROM spaced
)
SELECT
    distinct_id,
    session,
    min(event_time) AS started_at,
    max(event_time) AS ended_at,
    count(*) AS events,
    arg_min(event_name, n) AS first_event,
    arg_max(event_name, n) AS last_event
FROM numbered
GROUP BY distinct_id, session
