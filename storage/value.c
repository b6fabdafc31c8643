#include "value.h"
#include "_cgo_export.h"
#include <stddef.h>

enum { TYPE_BOOLEAN = 1, TYPE_BIGINT = 5, TYPE_DOUBLE = 11, TYPE_TIMESTAMP = 12, TYPE_DATE = 13, TYPE_VARCHAR = 17 }; // values of duckdb_type

void *duckdb_create_scalar_function(void);
void duckdb_destroy_scalar_function(void **function);
void duckdb_scalar_function_set_name(void *function, const char *name);
void duckdb_scalar_function_add_parameter(void *function, void *type);
void duckdb_scalar_function_set_return_type(void *function, void *type);
void duckdb_scalar_function_set_extra_info(void *function, void *extra_info, void (*destroy)(void *));
void duckdb_scalar_function_set_function(void *function, void (*run)(void *, void *, void *));
void duckdb_scalar_function_set_error(void *info, const char *error);
int duckdb_register_scalar_function(void *connection, void *function);
void *duckdb_scalar_function_get_extra_info(void *info);
void *duckdb_create_logical_type(int type);
void *duckdb_create_list_type(void *type);
void duckdb_destroy_logical_type(void **type);
uint64_t duckdb_data_chunk_get_size(void *chunk);
void *duckdb_data_chunk_get_vector(void *chunk, uint64_t column);
void *duckdb_vector_get_data(void *vector);
void duckdb_vector_ensure_validity_writable(void *vector);
uint64_t *duckdb_vector_get_validity(void *vector);
void *duckdb_list_vector_get_child(void *vector);
int duckdb_list_vector_set_size(void *vector, uint64_t size);
int duckdb_list_vector_reserve(void *vector, uint64_t capacity);
void duckdb_unsafe_vector_assign_string_element_len(void *vector, uint64_t index, const char *text, uint64_t length);

static uint64_t *validity(void *vector) {
	duckdb_vector_ensure_validity_writable(vector);
	return duckdb_vector_get_validity(vector);
}

// DuckDB flattens the vectors that it passes to a function.
static void run_value(void *info, void *chunk, void *output) {
	void *input = duckdb_data_chunk_get_vector(chunk, 0);
	valueFill((int)(intptr_t)duckdb_scalar_function_get_extra_info(info), duckdb_data_chunk_get_size(chunk), duckdb_vector_get_data(input),
	          duckdb_vector_get_validity(input), duckdb_vector_get_data(output), validity(output));
}

static void run_properties(void *info, void *chunk, void *output) {
	void *properties = duckdb_data_chunk_get_vector(chunk, 0), *names = duckdb_data_chunk_get_vector(chunk, 1);
	if (valueProperties(duckdb_data_chunk_get_size(chunk), duckdb_vector_get_data(properties), duckdb_vector_get_validity(properties),
	                    duckdb_vector_get_data(names), duckdb_vector_get_data(output), output) != 0) {
		duckdb_scalar_function_set_error(info, "the names of properties are no JSON list of texts");
	}
}

static void run_fields(void *info, void *chunk, void *output) {
	(void)info;
	void *input = duckdb_data_chunk_get_vector(chunk, 0);
	valueFields(duckdb_data_chunk_get_size(chunk), duckdb_vector_get_data(input), duckdb_vector_get_validity(input), duckdb_vector_get_data(output), output);
}

static int add(void *connection, const char *name, int parameters, void *returns, int what, void (*run)(void *, void *, void *)) {
	void *function = duckdb_create_scalar_function(), *varchar = duckdb_create_logical_type(TYPE_VARCHAR);
	duckdb_scalar_function_set_name(function, name);
	for (int i = 0; i < parameters; i++) {
		duckdb_scalar_function_add_parameter(function, varchar);
	}
	duckdb_scalar_function_set_return_type(function, returns);
	duckdb_scalar_function_set_extra_info(function, (void *)(intptr_t)what, NULL);
	duckdb_scalar_function_set_function(function, run);
	int failed = duckdb_register_scalar_function(connection, function);
	duckdb_destroy_logical_type(&varchar);
	duckdb_destroy_logical_type(&returns);
	duckdb_destroy_scalar_function(&function);
	return failed;
}

int value_register(void *connection) {
	static const char *const names[VALUE_KINDS] = {"mixduck_bigint", "mixduck_double", "mixduck_boolean", "mixduck_timestamp", "mixduck_date", "mixduck_content", "mixduck_shape"};
	static const int types[VALUE_KINDS] = {TYPE_BIGINT, TYPE_DOUBLE, TYPE_BOOLEAN, TYPE_TIMESTAMP, TYPE_DATE, TYPE_BIGINT, TYPE_BIGINT};
	int failed = 0;
	for (int i = 0; i < VALUE_KINDS; i++) {
		failed |= add(connection, names[i], 1, duckdb_create_logical_type(types[i]), i, run_value);
	}
	void *varchar = duckdb_create_logical_type(TYPE_VARCHAR);
	failed |= add(connection, "mixduck_properties", 2, duckdb_create_list_type(varchar), 0, run_properties);
	failed |= add(connection, "mixduck_fields", 1, duckdb_create_list_type(varchar), 0, run_fields);
	duckdb_destroy_logical_type(&varchar);
	return failed;
}

void value_put_parts(void *list, uint64_t rows, const char *base, const uint64_t *from, const uint32_t *length) {
	duckdb_list_vector_reserve(list, rows);
	duckdb_list_vector_set_size(list, rows);
	void *child = duckdb_list_vector_get_child(list);
	for (uint64_t i = 0; i < rows; i++) {
		duckdb_unsafe_vector_assign_string_element_len(child, i, base + from[i], length[i]);
	}
}

void value_put(void *list, uint64_t rows, const char **text, const uint32_t *length) {
	duckdb_list_vector_reserve(list, rows);
	duckdb_list_vector_set_size(list, rows);
	void *child = duckdb_list_vector_get_child(list);
	uint64_t *valid = validity(child);
	for (uint64_t i = 0; i < rows; i++) {
		if (text[i] == NULL) {
			valid[i / 64] &= ~((uint64_t)1 << i % 64);
		} else {
			duckdb_unsafe_vector_assign_string_element_len(child, i, text[i], length[i]);
		}
	}
}
