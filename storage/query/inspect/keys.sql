-- The names of properties of all events, or of one.
SELECT key, count(*) AS row_count
FROM (SELECT unnest(json_keys(properties)) AS key FROM {table} WHERE {event})
GROUP BY key
ORDER BY row_count DESC, key
