-- The catalogue of properties.
SELECT {partly}p.*
FROM mixduck.properties AS p
WHERE ($name = '' OR lower(p.table_name) = lower($name) OR p.event_name = $name) AND {event}
ORDER BY p.table_name, max(p.row_count) OVER (PARTITION BY p.table_name, p.event_name) DESC, p.event_name, p.property IS NULL, p.row_count DESC, p.property
