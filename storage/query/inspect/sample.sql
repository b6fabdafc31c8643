-- Some rows, by chance.
SELECT * FROM {table} USING SAMPLE {n} ROWS
