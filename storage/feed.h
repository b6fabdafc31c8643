// The table function mixduck_feed: what DuckDB calls, and the part of DuckDB's C API (duckdb.h of 1.5) that it needs. The
// driver for Go has table functions too, but none with columns of type JSON, and one that crosses from Go to C for each
// value; docs/adr/0003-loading.md has the difference in figures.
#pragma once
#include <stdint.h>

enum {
	FEED_ROWS = 2048,  // of a chunk at most: DuckDB's vector size
	FEED_PROMOTED = 64 // columns at most
};

// The columns of a chunk, for Go to fill. A row is NULL where its bit of valid is 0.
typedef struct {
	int64_t *event_us;     // microseconds since 1970, UTC
	int32_t *day;          // days since 1970
	int64_t *processed_us; // like event_us
	uint64_t *distinct_id_valid, *insert_id_valid, *processed_valid;
	void *event_name, *distinct_id, *insert_id, *properties; // vectors, for feed_put
	void *promoted[FEED_PROMOTED];                           // like them
	uint64_t *promoted_valid[FEED_PROMOTED];
} feed_chunk;

// Makes mixduck_feed(handle BIGINT, promoted BIGINT) known to the instance that connection belongs to: the columns of
// events, and as many more of type JSON, p0, p1 and so on, for the values of promoted properties. Returns 0 on success.
int feed_register(void *connection);

// Copies rows texts into a vector: text i is the length[i] bytes from base + from[i] on. They must be valid UTF-8.
void feed_put(void *vector, uint64_t rows, const char *base, const uint32_t *from, const uint32_t *length);

enum { KEYED_COLUMNS = 64 }; // at most

// A chunk of mixduck_keyed, for Go to fill.
typedef struct {
	int64_t *seq, *hash;
	void *column[KEYED_COLUMNS]; // vectors, for feed_put
	uint64_t *valid[KEYED_COLUMNS];
} keyed_chunk;

// Makes mixduck_keyed(handle BIGINT, columns BIGINT, json BIGINT) known: the place and the content hash of each row, and so many
// columns of text, c0, c1 and so on. Those whose bit of json is set have the type JSON. Returns 0 on success.
int keyed_register(void *connection);
