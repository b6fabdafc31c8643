-- One row about the file.
SELECT $path AS path, CAST($bytes AS BIGINT) AS bytes, CAST($wal_bytes AS BIGINT) AS wal_bytes,
    (SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = current_database()) AS storage_version,
    version() AS duckdb_version,
    count(*) FILTER (kind = 'table') AS table_count, coalesce(sum(row_count) FILTER (kind = 'table'), 0) AS row_count
FROM ({counts})
