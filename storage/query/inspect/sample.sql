-- A random sample of rows.
SELECT * FROM {table} USING SAMPLE {n} ROWS
