-- title: Funnel
-- about: How many users did several events in order, within a time after the first one.
-- param: from date required "First day of the first step, included"
-- param: to date required "Last day of the first step, included"
-- param: steps events required "Events of the steps, in order"
-- param: window interval default "7 days" "Time for all steps, from the first one"
-- param: order text default "specific" choices "specific|any" "Whether steps count in their order only"
-- param: property property "Property of the first event to count by; none: all users together"

-- A user enters with the first event of the first step (in any order: of any step) in the range, and takes each later
-- step with its next event. Other events do not matter. Events at the same time count in the order of the steps, and
-- an event is one step at most.
WITH RECURSIVE steps AS (
    SELECT unnest(s) AS event, generate_subscripts(s, 1) AS step FROM (SELECT from_json($steps, '["VARCHAR"]') AS s)
), relevant AS (
    SELECT
        e.distinct_id, e.event_name, e.event_time, e.day,
        if($property = '', NULL, e.properties->>('/' || replace(replace($property, '~', '~0'), '/', '~1'))) AS value,
        row_number() OVER (PARTITION BY e.distinct_id ORDER BY e.event_time, s.step) AS position
    FROM events AS e
    JOIN (SELECT event, min(step) AS step FROM steps GROUP BY event) AS s ON s.event = e.event_name
    WHERE e.day BETWEEN CAST($from AS DATE) AND CAST(CAST($to AS DATE) + CAST($window AS INTERVAL) AS DATE) + 2
        AND e.distinct_id <> ''
), entered AS (
    SELECT distinct_id, arg_min({'at': event_time, 'position': position, 'value': value, 'event': event_name}, position) AS f
    FROM relevant
    WHERE day <= CAST($to AS DATE) AND ($order = 'any' OR event_name = (SELECT event FROM steps WHERE step = 1))
    GROUP BY distinct_id
), taken AS (
    SELECT
        distinct_id, 1 AS step, f.value AS value, f.at AS began, f.at AS at, f.position AS position,
        [(SELECT min(step) FROM steps WHERE event = f.event)] AS done
    FROM entered
    UNION ALL
    SELECT t.distinct_id, t.step + 1, any_value(t.value), any_value(t.began), min(r.event_time), min(r.position),
        any_value(t.done) || [arg_min(s.step, (r.position, s.step))]
    FROM taken AS t
    JOIN steps AS s ON if($order = 'any', NOT list_contains(t.done, s.step), s.step = t.step + 1)
    JOIN relevant AS r ON r.distinct_id = t.distinct_id AND r.event_name = s.event
        AND r.position > t.position AND r.event_time <= t.began + CAST($window AS INTERVAL)
    GROUP BY t.distinct_id, t.step
)
SELECT
    v.value,
    s.step,
    if($order = 'any', 'any ' || s.step || ' of the steps', s.event) AS event,
    count(t.distinct_id) AS users,
    round(100 * count(t.distinct_id) / first_value(count(t.distinct_id)) OVER (PARTITION BY v.value ORDER BY s.step), 1) AS percent_of_first,
    round(100 * count(t.distinct_id) / nullif(lag(count(t.distinct_id)) OVER (PARTITION BY v.value ORDER BY s.step), 0), 1) AS percent_of_previous,
    avg(date_diff('second', t.began, t.at)) AS seconds_from_first
FROM (SELECT DISTINCT value FROM taken UNION SELECT NULL WHERE $property = '') AS v
CROSS JOIN steps AS s
LEFT JOIN taken AS t ON t.step = s.step AND t.value IS NOT DISTINCT FROM v.value
GROUP BY v.value, s.step, s.event
ORDER BY v.value, s.step
