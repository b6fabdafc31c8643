-- How already stored days have changed.
SELECT * FROM mixduck.changes WHERE ($table = '' OR table_name = $table) AND ($day = '' OR day::VARCHAR = $day)
ORDER BY loaded_at DESC, table_name, day
