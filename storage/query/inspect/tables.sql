-- The tables and views, with the state of those that Mixduck fills.
SELECT c.table_name, coalesce(t.type, c.kind) AS type, c.row_count, min(d.day) AS from_date, max(d.day) AS to_date,
	coalesce(max(d.fetched_at), max(r.fetched_at) FILTER (t.type <> 'events')) AS fetched_at, t.project, t.filter
FROM ({counts}) AS c
LEFT JOIN mixduck.tables AS t ON t.table_name = c.table_name
LEFT JOIN mixduck.coverage AS d ON d.table_name = c.table_name AND d.state <> 'unavailable'
LEFT JOIN (SELECT table_name, max(fetched_at) AS fetched_at FROM mixduck.receipts GROUP BY table_name) AS r ON r.table_name = c.table_name
GROUP BY ALL
ORDER BY c.table_name
