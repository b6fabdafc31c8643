// The scalar functions that fill promoted columns: what DuckDB calls, and the part of DuckDB's C API (duckdb.h of 1.5) that
// it needs. The driver's own functions cross from Go to C for each value.
#pragma once
#include <stdint.h>

// What becomes of a value. All but the last are types of columns.
enum { VALUE_BIGINT, VALUE_DOUBLE, VALUE_BOOLEAN, VALUE_TIMESTAMP, VALUE_DATE, VALUE_CONTENT, VALUE_KINDS };

// Makes these functions known to the instance that connection belongs to; returns 0 on success:
//   mixduck_bigint(json VARCHAR) BIGINT, and so on for DOUBLE, BOOLEAN, TIMESTAMP and DATE
//   mixduck_content(properties VARCHAR) BIGINT, a hash of what they say, however it is written
//   mixduck_properties(properties VARCHAR, names VARCHAR) VARCHAR[]
int value_register(void *connection);

// Copies rows texts into the child of a list vector, from its start on; NULL where text is NULL.
void value_put(void *list, uint64_t rows, const char **text, const uint32_t *length);
