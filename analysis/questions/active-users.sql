-- title: Active users
-- about: For each day, the users with an event on that day (DAU), and in the 7 and 30 days that end with it (WAU, MAU).
-- param: from date required "First day, included"
-- param: to date required "Last day, included"
-- param: events events "Events that make a user active; none: any event"

-- A user who is active on a day counts for each of the next days until the period ends, but only once at a time. So
-- each active day adds the user on one day, and removes the user on a later one. The numbers of users are the running
-- totals. This reads each active day once, instead of up to 30 times.
WITH active AS (
    SELECT DISTINCT distinct_id, day
    FROM events
    WHERE day BETWEEN CAST($from AS DATE) - 29 AND CAST($to AS DATE)
        AND distinct_id <> ''
        AND (json_array_length($events) = 0 OR event_name IN (SELECT unnest(from_json($events, '["VARCHAR"]'))))
), spaced AS (
    SELECT day, day - lag(day) OVER (PARTITION BY distinct_id ORDER BY day) AS since FROM active
), counted AS (
    SELECT
        day,
        count(*) AS dau,
        count(*) FILTER (since IS NULL OR since >= 7) AS begin7,
        count(*) FILTER (since IS NULL OR since >= 30) AS begin30
    FROM spaced GROUP BY day
), ended AS (
    -- A period that begins on a day lasts until 7 or 30 days after the last active day before a longer gap.
    SELECT day, count(*) FILTER (gap >= 7) AS end7, count(*) FILTER (gap >= 30) AS end30
    FROM (SELECT day, coalesce(lead(day) OVER (PARTITION BY distinct_id ORDER BY day) - day, 1000) AS gap FROM active)
    GROUP BY day
), days AS (
    SELECT CAST(d.day AS DATE) AS day
    FROM generate_series(CAST($from AS DATE) - 29, CAST($to AS DATE), INTERVAL 1 DAY) AS d(day)
), running AS (
    SELECT
        d.day,
        coalesce(c.dau, 0) AS dau,
        sum(coalesce(c.begin7, 0) - coalesce(w.end7, 0)) OVER (ORDER BY d.day) AS wau,
        sum(coalesce(c.begin30, 0) - coalesce(m.end30, 0)) OVER (ORDER BY d.day) AS mau
    FROM days AS d
    LEFT JOIN counted AS c ON c.day = d.day
    LEFT JOIN ended AS w ON w.day = d.day - 7
    LEFT JOIN ended AS m ON m.day = d.day - 30
)
SELECT day, dau, CAST(wau AS BIGINT) AS wau, CAST(mau AS BIGINT) AS mau
FROM running
WHERE day >= CAST($from AS DATE)
ORDER BY day
