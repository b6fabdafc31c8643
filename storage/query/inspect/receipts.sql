-- The result of each window, newest first.
SELECT * FROM mixduck.receipts WHERE $table = '' OR table_name = $table ORDER BY loaded_at DESC, table_name, from_date
