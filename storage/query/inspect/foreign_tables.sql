-- The tables and views of a database not made by Mixduck.
SELECT table_name, kind AS type, row_count FROM ({counts}) ORDER BY table_name
