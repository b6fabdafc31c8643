-- The lines that could not be stored as events, newest first. A line whose day is not known counts for all days of its window.
SELECT * FROM mixduck.quarantine
WHERE ($table = '' OR table_name = $table)
    AND ($day = '' OR coalesce(day::VARCHAR = $day, $day BETWEEN from_date::VARCHAR AND to_date::VARCHAR))
ORDER BY received_at DESC, table_name, from_date, line_number
