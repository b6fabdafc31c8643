// The part of DuckDB's C API (duckdb.h of 1.5) that the Go driver has only with a build tag. Both functions return an error,
// which the caller must destroy, and fill the struct of Arrow's C data interface that the last argument points to.
#pragma once
#include <stdint.h>
#include <stdlib.h>

void *duckdb_to_arrow_schema(void *options, void **types, const char **names, uint64_t columns, void *schema);
void *duckdb_data_chunk_to_arrow(void *options, void *chunk, void *array);
