-- Which events follow a user's first event with a name, and for how many users.
--
-- A path has the names of up to depth events within a time. Events at the same time are in the order of their names.
paths(source, start, depth := 3, within := INTERVAL 1 DAY, filter := true, from_day := NULL, to_day := NULL) AS TABLE
WITH starts AS (
    SELECT distinct_id, min(event_time) AS at
    FROM query_table(source)
    WHERE distinct_id <> '' AND event_name = start
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(to_day AS DATE))
    GROUP BY distinct_id
), candidates AS (
    SELECT distinct_id, event_time, event_name
    FROM query_table(source)
    WHERE distinct_id <> '' AND filter
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE))
        AND (to_day IS NULL OR day <= CAST(CAST(to_day AS DATE) + CAST(within AS INTERVAL) AS DATE) + 2)
), followed AS (
    SELECT s.distinct_id, min({'at': c.event_time, 'event': c.event_name}, CAST(depth AS BIGINT)) AS next_events
    FROM starts AS s
    JOIN candidates AS c ON c.distinct_id = s.distinct_id
        AND (c.event_time > s.at OR c.event_time = s.at AND c.event_name > start)
        AND c.event_time <= s.at + CAST(within AS INTERVAL)
    GROUP BY s.distinct_id
)
SELECT list_transform(coalesce(f.next_events, []), lambda e: e.event) AS path, count(*) AS users
FROM starts AS s
LEFT JOIN followed AS f ON f.distinct_id = s.distinct_id
GROUP BY path
ORDER BY users DESC, path
