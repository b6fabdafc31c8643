-- The result of each window, newest first.
SELECT * FROM mixduck.receipts
WHERE ($table = '' OR table_name = $table) AND ($day = '' OR $day BETWEEN from_date::VARCHAR AND to_date::VARCHAR)
ORDER BY loaded_at DESC, table_name, from_date
