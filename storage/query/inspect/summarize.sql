-- Least, greatest and typical values of each column.
SUMMARIZE {table}
