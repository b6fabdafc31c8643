// The table function mixduck_feed: functions called by DuckDB, and the part of DuckDB's C API (duckdb.h of 1.5) that it needs.
// The Go driver also has table functions, but without columns of type JSON, and with a call from Go to C for each value;
// docs/adr/0003-loading.md has measurements of the difference.
#pragma once
#include <stdint.h>

enum {
	FEED_ROWS = 2048,  // maximum per chunk: DuckDB's vector size
	FEED_PROMOTED = 64 // maximum number of columns
};

// The columns of a chunk, filled by Go. A row is NULL if its bit of valid is 0.
typedef struct {
	int64_t *event_us;     // microseconds since 1970, UTC
	int32_t *day;          // days since 1970
	int64_t *processed_us; // like event_us
	uint64_t *distinct_id_valid, *insert_id_valid, *processed_valid;
	void *event_name, *distinct_id, *insert_id, *properties; // vectors, for feed_put
	void *promoted[FEED_PROMOTED];                           // likewise
	uint64_t *promoted_valid[FEED_PROMOTED];
} feed_chunk;

// Registers mixduck_feed(handle BIGINT, promoted BIGINT) with the instance of connection. It returns the columns of events,
// followed by promoted columns of type JSON, p0, p1 and so on, for the values of promoted properties. Returns 0 on success.
int feed_register(void *connection);

// Copies rows texts into a vector: text i is the length[i] bytes at base + from[i]. They must be valid UTF-8.
void feed_put(void *vector, uint64_t rows, const char *base, const uint32_t *from, const uint32_t *length);

enum { KEYED_COLUMNS = 64 }; // maximum

// A chunk of mixduck_keyed, filled by Go.
typedef struct {
	int64_t *seq, *hash;
	void *column[KEYED_COLUMNS]; // vectors, for feed_put
	uint64_t *valid[KEYED_COLUMNS];
} keyed_chunk;

// Registers mixduck_keyed(handle BIGINT, columns BIGINT, json BIGINT). It returns the position and the content hash of each
// row, followed by columns text columns, c0, c1 and so on. Those with their bit of json set have the type JSON. Returns 0 on
// success.
int keyed_register(void *connection);
