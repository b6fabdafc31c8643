// The part of DuckDB's C API (duckdb.h of 1.5) that the driver for Go has only with a build tag. Both return an error to be
// destroyed, and fill in what the last argument points to, a struct of Arrow's C data interface.
#pragma once
#include <stdint.h>
#include <stdlib.h>

void *duckdb_to_arrow_schema(void *options, void **types, const char **names, uint64_t columns, void *schema);
void *duckdb_data_chunk_to_arrow(void *options, void *chunk, void *array);
