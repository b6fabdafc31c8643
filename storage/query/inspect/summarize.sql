-- Minimum, maximum and typical values of each column.
SUMMARIZE {table}
