-- The answer for files that were last written before changes were recorded.
SELECT NULL::VARCHAR AS table_name, NULL::DATE AS day, NULL::VARCHAR AS job_id, NULL::BIGINT AS added, NULL::BIGINT AS removed,
    NULL::BIGINT AS updated, NULL::TIMESTAMP AS loaded_at
WHERE $table IS NULL AND $day IS NULL
