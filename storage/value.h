// The scalar functions that fill promoted columns: functions called by DuckDB, and the part of DuckDB's C API (duckdb.h of
// 1.5) that they need. The driver's own functions cross from Go to C for each value.
#pragma once
#include <stdint.h>

// The result of a function. All except the last two are types of columns.
enum { VALUE_BIGINT, VALUE_DOUBLE, VALUE_BOOLEAN, VALUE_TIMESTAMP, VALUE_DATE, VALUE_CONTENT, VALUE_SHAPE, VALUE_KINDS };

// Registers these functions with the instance of connection; returns 0 on success:
//   mixduck_bigint(json VARCHAR) BIGINT, and so on for DOUBLE, BOOLEAN, TIMESTAMP and DATE
//   mixduck_content(properties VARCHAR) BIGINT, a hash of the content, independent of its notation
//   mixduck_shape(properties VARCHAR) BIGINT, a hash of the names and JSON types of properties; NULL if it is no JSON object
//   mixduck_fields(properties VARCHAR) VARCHAR[], see valueFields
//   mixduck_properties(properties VARCHAR, names VARCHAR) VARCHAR[]
int value_register(void *connection);

// Copies rows texts to the start of the child of a list vector; NULL if text is NULL.
void value_put(void *list, uint64_t rows, const char **text, const uint32_t *length);

// Copies rows texts to the start of the child of a list vector: text i is the length[i] bytes at base + from[i].
void value_put_parts(void *list, uint64_t rows, const char *base, const uint64_t *from, const uint32_t *length);
