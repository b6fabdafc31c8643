-- The most frequent values of a column or of a property. The last columns are about all rows.
WITH counted AS (
    SELECT CAST({expression} AS VARCHAR) AS value, count(*) AS row_count FROM {table} GROUP BY value
), whole AS (
    SELECT count(value) AS distinct_values, coalesce(sum(row_count) FILTER (value IS NULL), 0) AS null_count, sum(row_count) AS total_count FROM counted
)
SELECT value, row_count, round(100 * row_count / total_count, 2) AS percent, distinct_values, null_count, total_count
FROM counted CROSS JOIN whole
ORDER BY row_count DESC, value
LIMIT 20
