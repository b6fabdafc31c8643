-- The tables and views, with the state of those that Mixduck fills.
SELECT c.table_name, coalesce(t.type, c.kind) AS type, c.row_count, min(d.day) AS from_date, max(d.day) AS to_date,
	coalesce(max(d.fetched_at), any_value(m.fetched_at)) AS fetched_at, t.project, t.filter
FROM ({counts}) AS c
LEFT JOIN mixduck.tables AS t ON t.table_name = c.table_name
LEFT JOIN mixduck.coverage AS d ON d.table_name = c.table_name AND d.state <> 'unavailable'
LEFT JOIN _metadata AS m ON m.table_name = c.table_name AND m.type <> 'events'
GROUP BY ALL
ORDER BY c.table_name
