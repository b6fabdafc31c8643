-- Users with an event on each day (dau), and in the 7 and 30 days that end with it (wau, mau).
--
-- A user who is active on a day counts for each of the next days until the period ends, but only once at a time: an
-- active day adds the user if the last one is long enough ago, and a later day removes the user if no other one followed.
-- The numbers of users are running totals. This reads each active day once, instead of up to 30 times.
active_users(source, filter := true, from_day := NULL, to_day := NULL) AS TABLE
WITH bounds AS (
    SELECT
        coalesce(CAST(from_day AS DATE), min(day)) AS first_day,
        coalesce(CAST(to_day AS DATE), max(day)) AS last_day
    FROM query_table(source)
), active AS (
    SELECT DISTINCT distinct_id, day
    FROM query_table(source)
    WHERE distinct_id <> '' AND filter
        AND (from_day IS NULL OR day >= CAST(from_day AS DATE) - 29)
        AND (to_day IS NULL OR day <= CAST(to_day AS DATE))
), spaced AS (
    SELECT
        day,
        coalesce(day - lag(day) OVER (PARTITION BY distinct_id ORDER BY day), 1000) AS since,
        coalesce(lead(day) OVER (PARTITION BY distinct_id ORDER BY day) - day, 1000) AS pause
    FROM active
), by_day AS (
    SELECT
        day,
        count(*) AS dau,
        count(*) FILTER (since >= 7) AS begin7,
        count(*) FILTER (since >= 30) AS begin30,
        count(*) FILTER (pause >= 7) AS end7,
        count(*) FILTER (pause >= 30) AS end30
    FROM spaced
    GROUP BY day
), days AS (
    SELECT CAST(unnest(generate_series(first_day - 29, last_day, INTERVAL 1 DAY)) AS DATE) AS day FROM bounds
), running AS (
    SELECT
        d.day,
        coalesce(b.dau, 0) AS dau,
        sum(coalesce(b.begin7, 0) - coalesce(w.end7, 0)) OVER (ORDER BY d.day) AS wau,
        sum(coalesce(b.begin30, 0) - coalesce(m.end30, 0)) OVER (ORDER BY d.day) AS mau
    FROM days AS d
    LEFT JOIN by_day AS b ON b.day = d.day
    LEFT JOIN by_day AS w ON w.day = d.day - 7
    LEFT JOIN by_day AS m ON m.day = d.day - 30
)
SELECT day, dau, CAST(wau AS BIGINT) AS wau, CAST(mau AS BIGINT) AS mau
FROM running
WHERE day >= (SELECT first_day FROM bounds)
ORDER BY day
