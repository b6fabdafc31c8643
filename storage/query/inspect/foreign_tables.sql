-- The tables and views of a database that Mixduck has not made.
SELECT table_name, kind AS type, row_count FROM ({counts}) ORDER BY table_name
