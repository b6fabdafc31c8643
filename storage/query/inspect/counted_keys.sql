-- The names of properties of all events, or of one, from the catalogue. NULL stands for the names beyond its limits.
SELECT property AS key, sum(row_count)::BIGINT AS row_count
FROM mixduck.property_counts
WHERE table_name = $table AND json_type IS NOT NULL AND {event}
GROUP BY property
ORDER BY row_count DESC, property
