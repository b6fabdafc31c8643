-- The first known value of an expression for each user, such as the property utm_source, and the event that had it.
first_touch(source, touch, filter := true, from_day := NULL, to_day := NULL) AS TABLE
WITH touches AS (
    SELECT distinct_id, event_time, event_name, CAST(touch AS VARCHAR) AS value
    FROM query_table(source)
    WHERE distinct_id <> '' AND filter
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(to_day AS DATE))
), firsts AS (
    SELECT distinct_id, min({'at': event_time, 'value': value, 'event': event_name}) AS f
    FROM touches
    WHERE value IS NOT NULL
    GROUP BY distinct_id
)
SELECT distinct_id, f.value AS value, f.at AS touched_at, f.event AS event_name
FROM firsts
