package query

// #include "arrow.h"
import "C"

import (
	"errors"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/cdata"
	"github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"mixduck/storage"
)

// arrowConverter converts DuckDB's chunks to Arrow batches, using DuckDB's own code.
type arrowConverter struct {
	rows    *storage.Rows
	options duckdb_go_bindings.ArrowOptions
}

func newArrowConverter(rows *storage.Rows) *arrowConverter {
	return &arrowConverter{rows: rows, options: duckdb_go_bindings.ResultGetArrowOptions(rows.Result())}
}

func (c *arrowConverter) close() { duckdb_go_bindings.DestroyArrowOptions(&c.options) }

// schema returns the schema of the batches, with the given column names.
func (c *arrowConverter) schema(names []string) (*arrow.Schema, error) {
	columns := make([]mapping.LogicalType, len(names))
	for i := range columns {
		columns[i] = mapping.ColumnLogicalType(c.rows.Result(), mapping.IdxT(i))
	}
	return c.schemaOf(names, columns)
}

// schemaOf returns the schema of columns with these names and types, and destroys the types.
func (c *arrowConverter) schemaOf(names []string, columns []mapping.LogicalType) (*arrow.Schema, error) {
	if len(names) == 0 {
		return arrow.NewSchema(nil, nil), nil
	}
	types := make([]unsafe.Pointer, len(names))
	texts := make([]*C.char, len(names))
	for i, name := range names {
		types[i], texts[i] = columns[i].Ptr, C.CString(name)
	}
	defer func() {
		for i := range names {
			mapping.DestroyLogicalType(&columns[i])
			C.free(unsafe.Pointer(texts[i]))
		}
	}()
	var made cdata.CArrowSchema
	out := unsafe.Pointer(&made)
	err := duckError(C.duckdb_to_arrow_schema(c.options.Ptr, &types[0], &texts[0], C.uint64_t(len(names)), out))
	if err != nil {
		return nil, err
	}
	return cdata.ImportCArrowSchema(&made)
}

// batch returns the current chunk.
func (c *arrowConverter) batch(schema *arrow.Schema) (arrow.RecordBatch, error) {
	chunk, _ := c.rows.Chunk()
	var made cdata.CArrowArray
	out := unsafe.Pointer(&made)
	err := duckError(C.duckdb_data_chunk_to_arrow(c.options.Ptr, chunk.Ptr, out))
	if err != nil {
		return nil, err
	}
	batch, err := cdata.ImportCRecordBatchWithSchema(&made, schema)
	if err != nil {
		return nil, err
	}
	for _, column := range batch.Columns() {
		clearNulls(column.Data())
	}
	return batch, nil
}

// clearNulls zeroes the fixed-size values under NULLs. DuckDB leaves whatever was in memory there, so that results of the same
// query would have different bytes and checksums, and contain leftovers of other values.
func clearNulls(data arrow.ArrayData) {
	for _, child := range data.Children() {
		clearNulls(child)
	}
	fixed, ok := data.DataType().(arrow.FixedWidthDataType)
	buffers := data.Buffers()
	if !ok || len(buffers) < 2 || buffers[0] == nil || buffers[1] == nil {
		return
	}
	valid, values, bits := buffers[0].Bytes(), buffers[1].Bytes(), fixed.BitWidth()
	for i := data.Offset(); i < data.Offset()+data.Len(); i++ {
		switch {
		case i%8 == 0 && valid[i/8] == 0xff:
			i += 7 // no NULL among these
		case valid[i/8]&(1<<(i%8)) != 0:
		case bits == 1:
			values[i/8] &^= 1 << (i % 8)
		default:
			clear(values[i*bits/8 : (i+1)*bits/8])
		}
	}
}

// duckError returns the error of a failed DuckDB call, and destroys it.
func duckError(failed unsafe.Pointer) error {
	data := duckdb_go_bindings.ErrorData{Ptr: failed}
	defer duckdb_go_bindings.DestroyErrorData(&data)
	if failed == nil || !duckdb_go_bindings.ErrorDataHasError(data) {
		return nil
	}
	return errors.New(duckdb_go_bindings.ErrorDataMessage(data))
}
