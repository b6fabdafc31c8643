package storage

// #include "value.h"
import "C"

import (
	"encoding/json"
	"errors"
	"math"
	"unsafe"

	"github.com/zeebo/xxh3"

	"mixduck/internal/eventline"
	"mixduck/internal/promotion"
)

// registerValues registers the functions for promoted columns with the instance of a session.
func registerValues(s *Session) error {
	if C.value_register(s.conn.Ptr) != 0 {
		return errors.New("DuckDB rejected a scalar function")
	}
	return nil
}

// valueFill converts the JSON values of a property into values of a column, for rows rows. valid has one bit per row,
// all set.
//
//export valueFill
func valueFill(kind C.int, rows C.uint64_t, in unsafe.Pointer, inValid *C.uint64_t, out unsafe.Pointer, valid *C.uint64_t) {
	values := textColumn{strings: (*duckString)(in), valid: (*uint64)(unsafe.Pointer(inValid))}
	n, zones := int(rows), promotion.Zones{}
	switch kind {
	case C.VALUE_BIGINT:
		fillColumn(values, (*int64)(out), n, valid, promotion.ParseBigInt)
	case C.VALUE_DOUBLE:
		fillColumn(values, (*float64)(out), n, valid, promotion.ParseDouble)
	case C.VALUE_BOOLEAN:
		fillColumn(values, (*bool)(out), n, valid, promotion.ParseBoolean)
	case C.VALUE_TIMESTAMP:
		fillColumn(values, (*int64)(out), n, valid, zones.ParseTimestamp)
	case C.VALUE_DATE:
		fillColumn(values, (*int32)(out), n, valid, zones.ParseDate)
	case C.VALUE_CONTENT:
		var scratch []byte
		fillColumn(values, (*int64)(out), n, valid, func(properties []byte) (int64, bool) {
			scratch = eventline.AppendCanonical(scratch[:0], properties)
			return int64(xxh3.Hash(scratch)), true
		})
	case C.VALUE_SHAPE:
		var scratch []byte
		fillColumn(values, (*int64)(out), n, valid, func(properties []byte) (hash int64, ok bool) {
			scratch, ok = eventline.AppendShape(scratch[:0], properties)
			return int64(xxh3.Hash(scratch)), ok
		})
	}
}

func fillColumn[T any](values textColumn, out *T, rows int, valid *C.uint64_t, parse func([]byte) (T, bool)) {
	column := unsafe.Slice(out, rows)
	for row := range column {
		json, ok := values.at(row)
		if ok {
			column[row], ok = parse(json)
		}
		if !ok {
			setNull(valid, row)
		}
	}
}

// listEntry is DuckDB's duckdb_list_entry: the position of a list's elements in the child vector.
type listEntry struct{ offset, length uint64 }

// valueProperties extracts the exact JSON values of properties from rows events. The names are a JSON list, which must
// be the same in each row; otherwise the result is not 0.
//
//export valueProperties
func valueProperties(rows C.uint64_t, in unsafe.Pointer, inValid *C.uint64_t, namesIn, entries, list unsafe.Pointer) C.int {
	if rows == 0 {
		return 0
	}
	column := textColumn{strings: (*duckString)(in), valid: (*uint64)(unsafe.Pointer(inValid))}
	text, _ := textColumn{strings: (*duckString)(namesIn)}.at(0)
	var names []string
	if json.Unmarshal(text, &names) != nil {
		return 1
	}
	keys := eventline.NewKeys(names)
	texts, lengths := make([]*C.char, int(rows)*len(names)), make([]C.uint32_t, int(rows)*len(names))
	var values [][]byte
	for row := range unsafe.Slice((*listEntry)(entries), int(rows)) {
		from := row * len(names)
		unsafe.Slice((*listEntry)(entries), int(rows))[row] = listEntry{uint64(from), uint64(len(names))}
		properties, ok := column.at(row)
		if !ok || len(properties) > math.MaxUint32 {
			continue
		}
		var err error
		if values, err = keys.Values(properties, values); err != nil { // another program wrote it
			continue
		}
		for i, v := range values {
			if v != nil {
				texts[from+i], lengths[from+i] = (*C.char)(unsafe.Pointer(unsafe.SliceData(v))), C.uint32_t(len(v))
			}
		}
	}
	C.value_put(list, C.uint64_t(len(texts)), unsafe.SliceData(texts), unsafe.SliceData(lengths))
	return 0
}
