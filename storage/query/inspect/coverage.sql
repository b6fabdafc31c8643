-- Which days are stored, and how completely.
SELECT c.table_name, c.day, c.state, c.row_count, count(q.day) AS quarantined, c.fetched_at, c.job_id, c.reason
FROM (FROM mixduck.coverage UNION ALL BY NAME SELECT NULL::VARCHAR AS reason WHERE false) AS c
LEFT JOIN mixduck.quarantine AS q ON q.table_name = c.table_name AND q.day = c.day
WHERE $table = '' OR c.table_name = $table
GROUP BY ALL
ORDER BY c.table_name, c.day
