#include "feed.h"
#include "_cgo_export.h"
#include <stdio.h>
#include <stdlib.h>

enum { TYPE_BIGINT = 5, TYPE_TIMESTAMP = 12, TYPE_DATE = 13, TYPE_VARCHAR = 17 }; // values of duckdb_type

typedef void (*callback)(void *);
void *duckdb_create_table_function(void);
void duckdb_destroy_table_function(void **function);
void duckdb_table_function_set_name(void *function, const char *name);
void duckdb_table_function_add_parameter(void *function, void *type);
void duckdb_table_function_set_bind(void *function, callback bind);
void duckdb_table_function_set_init(void *function, callback init);
void duckdb_table_function_set_local_init(void *function, callback init);
void duckdb_table_function_set_function(void *function, void (*fill)(void *, void *));
int duckdb_register_table_function(void *connection, void *function);
void *duckdb_create_logical_type(int type);
void duckdb_logical_type_set_alias(void *type, const char *alias);
void duckdb_destroy_logical_type(void **type);
void *duckdb_bind_get_parameter(void *info, uint64_t index);
int64_t duckdb_get_int64(void *value);
void duckdb_destroy_value(void **value);
void duckdb_bind_add_result_column(void *info, const char *name, void *type);
void duckdb_bind_set_bind_data(void *info, void *data, callback destroy);
void *duckdb_init_get_bind_data(void *info);
void duckdb_init_set_init_data(void *info, void *data, callback destroy);
void duckdb_init_set_max_threads(void *info, uint64_t threads);
void *duckdb_function_get_local_init_data(void *info);
void duckdb_function_set_error(void *info, const char *error);
uint64_t duckdb_data_chunk_get_column_count(void *chunk);
void *duckdb_data_chunk_get_vector(void *chunk, uint64_t column);
void duckdb_data_chunk_set_size(void *chunk, uint64_t size);
void *duckdb_vector_get_data(void *vector);
void duckdb_vector_ensure_validity_writable(void *vector);
uint64_t *duckdb_vector_get_validity(void *vector);
void duckdb_unsafe_vector_assign_string_element_len(void *vector, uint64_t index, const char *text, uint64_t length);

// The columns, in order.
enum { EVENT_NAME, EVENT_TIME, DISTINCT_ID, INSERT_ID, PROPERTIES, DAY, PROCESSED_AT, PROMOTED };

static void add_column(void *info, const char *name, int type, const char *alias) {
	void *t = duckdb_create_logical_type(type);
	if (alias != NULL) {
		duckdb_logical_type_set_alias(t, alias);
	}
	duckdb_bind_add_result_column(info, name, t);
	duckdb_destroy_logical_type(&t);
}

static int64_t parameter(void *info, uint64_t index) {
	void *value = duckdb_bind_get_parameter(info, index);
	int64_t n = duckdb_get_int64(value);
	duckdb_destroy_value(&value);
	return n;
}

static void feed_bind(void *info) {
	duckdb_bind_set_bind_data(info, (void *)parameter(info, 0), NULL);
	add_column(info, "event_name", TYPE_VARCHAR, NULL);
	add_column(info, "event_time", TYPE_TIMESTAMP, NULL);
	add_column(info, "distinct_id", TYPE_VARCHAR, NULL);
	add_column(info, "insert_id", TYPE_VARCHAR, NULL);
	add_column(info, "properties", TYPE_VARCHAR, "JSON"); // DuckDB's type JSON; the parser has proved that it is JSON
	add_column(info, "day", TYPE_DATE, NULL);
	add_column(info, "processed_at", TYPE_TIMESTAMP, NULL);
	for (int64_t i = 0, n = parameter(info, 1); i < n && i < FEED_PROMOTED; i++) {
		char name[24];
		snprintf(name, sizeof name, "p%d", (int)i);
		add_column(info, name, TYPE_VARCHAR, "JSON");
	}
}

static void feed_init(void *info) { duckdb_init_set_max_threads(info, 64); }

static void feed_thread_end(void *thread) { feedThreadEnd((uintptr_t)thread); }

static void feed_thread(void *info) {
	uintptr_t thread = feedThread((uintptr_t)duckdb_init_get_bind_data(info));
	duckdb_init_set_init_data(info, (void *)thread, feed_thread_end);
}

static uint64_t *validity(void *vector) {
	duckdb_vector_ensure_validity_writable(vector);
	return duckdb_vector_get_validity(vector);
}

static void feed_fill(void *info, void *chunk) {
	void *column[PROMOTED];
	for (int i = 0; i < PROMOTED; i++) {
		column[i] = duckdb_data_chunk_get_vector(chunk, i);
	}
	feed_chunk c = {
	    .event_us = duckdb_vector_get_data(column[EVENT_TIME]),
	    .day = duckdb_vector_get_data(column[DAY]),
	    .processed_us = duckdb_vector_get_data(column[PROCESSED_AT]),
	    .distinct_id_valid = validity(column[DISTINCT_ID]),
	    .insert_id_valid = validity(column[INSERT_ID]),
	    .processed_valid = validity(column[PROCESSED_AT]),
	    .event_name = column[EVENT_NAME],
	    .distinct_id = column[DISTINCT_ID],
	    .insert_id = column[INSERT_ID],
	    .properties = column[PROPERTIES],
	};
	for (uint64_t i = 0, n = duckdb_data_chunk_get_column_count(chunk) - PROMOTED; i < n; i++) {
		c.promoted[i] = duckdb_data_chunk_get_vector(chunk, PROMOTED + i);
		c.promoted_valid[i] = validity(c.promoted[i]);
	}
	int64_t rows = feedFill((uintptr_t)duckdb_function_get_local_init_data(info), &c);
	if (rows < 0) {
		duckdb_function_set_error(info, "the feed failed"); // Go has the reason
		rows = 0;
	}
	duckdb_data_chunk_set_size(chunk, rows);
}

enum { SEQ, HASH, KEYED }; // the columns of mixduck_keyed, in order

static void keyed_bind(void *info) {
	duckdb_bind_set_bind_data(info, (void *)parameter(info, 0), NULL);
	add_column(info, "seq", TYPE_BIGINT, NULL);
	add_column(info, "hash", TYPE_BIGINT, NULL);
	int64_t json = parameter(info, 2);
	for (int64_t i = 0, n = parameter(info, 1); i < n && i < KEYED_COLUMNS; i++) {
		char name[24];
		snprintf(name, sizeof name, "c%d", (int)i);
		add_column(info, name, TYPE_VARCHAR, json >> i & 1 ? "JSON" : NULL);
	}
}

static void keyed_thread_end(void *thread) { keyedThreadEnd((uintptr_t)thread); }

static void keyed_thread(void *info) {
	uintptr_t thread = keyedThread((uintptr_t)duckdb_init_get_bind_data(info));
	duckdb_init_set_init_data(info, (void *)thread, keyed_thread_end);
}

static void keyed_fill(void *info, void *chunk) {
	keyed_chunk c = {
	    .seq = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, SEQ)),
	    .hash = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, HASH)),
	};
	for (uint64_t i = 0, n = duckdb_data_chunk_get_column_count(chunk) - KEYED; i < n; i++) {
		c.column[i] = duckdb_data_chunk_get_vector(chunk, KEYED + i);
		c.valid[i] = validity(c.column[i]);
	}
	int64_t rows = keyedFill((uintptr_t)duckdb_function_get_local_init_data(info), &c);
	if (rows < 0) {
		duckdb_function_set_error(info, "the feed failed"); // Go has the reason
		rows = 0;
	}
	duckdb_data_chunk_set_size(chunk, rows);
}

static int add_function(void *connection, const char *name, int parameters, callback bind, callback thread, void (*fill)(void *, void *)) {
	void *function = duckdb_create_table_function();
	void *bigint = duckdb_create_logical_type(TYPE_BIGINT);
	duckdb_table_function_set_name(function, name);
	for (int i = 0; i < parameters; i++) {
		duckdb_table_function_add_parameter(function, bigint);
	}
	duckdb_table_function_set_bind(function, bind);
	duckdb_table_function_set_init(function, feed_init);
	duckdb_table_function_set_local_init(function, thread);
	duckdb_table_function_set_function(function, fill);
	int failed = duckdb_register_table_function(connection, function);
	duckdb_destroy_logical_type(&bigint);
	duckdb_destroy_table_function(&function);
	return failed;
}

int feed_register(void *connection) { return add_function(connection, "mixduck_feed", 2, feed_bind, feed_thread, feed_fill); }

int keyed_register(void *connection) { return add_function(connection, "mixduck_keyed", 3, keyed_bind, keyed_thread, keyed_fill); }

void feed_put(void *vector, uint64_t rows, const char *base, const uint32_t *from, const uint32_t *length) {
	for (uint64_t i = 0; i < rows; i++) {
		duckdb_unsafe_vector_assign_string_element_len(vector, i, base + from[i], length[i]);
	}
}
