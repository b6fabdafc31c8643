-- The lines that could not be stored as events, newest first.
SELECT * FROM mixduck.quarantine WHERE $table = '' OR table_name = $table ORDER BY received_at DESC, table_name, from_date, line_number
