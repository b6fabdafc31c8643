-- How often each event occurs, for how many users, and when.
SELECT event_name, count(*) AS row_count, count(DISTINCT distinct_id) AS users, min(event_time) AS first_time, max(event_time) AS last_time
FROM {table}
GROUP BY event_name
ORDER BY row_count DESC, event_name
