package storage

// #include "value.h"
import "C"

import (
	"fmt"
	"unicode/utf8"
	"unsafe"

	"mixduck/internal/eventline"
)

// valueFields returns the properties of rows events; of equal keys, the first one. Each is a text that
// properties/count.sql takes apart: the digit of its [eventline.Kind], the number of characters of its name with seven
// digits, the name, and an example. Names that are too long have otherDigit and no text.
//
//export valueFields
func valueFields(rows C.uint64_t, in unsafe.Pointer, inValid *C.uint64_t, entries, list unsafe.Pointer) {
	column := textColumn{strings: (*duckString)(in), valid: (*uint64)(unsafe.Pointer(inValid))}
	var base []byte
	var from []C.uint64_t
	var lengths []C.uint32_t
	all := unsafe.Slice((*listEntry)(entries), int(rows))
	seen := map[string]struct{}{}
	for row := range all {
		first := len(from)
		clear(seen)
		if properties, valid := column.at(row); valid {
			ok := eventline.Fields(properties, func(key, value []byte, kind eventline.Kind) {
				if _, twice := seen[string(key)]; twice {
					return
				}
				seen[string(key)] = struct{}{}
				start := len(base)
				base = appendField(base, key, value, kind)
				from, lengths = append(from, C.uint64_t(start)), append(lengths, C.uint32_t(len(base)-start))
			})
			if !ok { // another program wrote it
				from, lengths = from[:first], lengths[:first]
			}
		}
		all[row] = listEntry{uint64(first), uint64(len(from) - first)}
	}
	C.value_put_parts(list, C.uint64_t(len(from)), (*C.char)(unsafe.Pointer(unsafe.SliceData(base))), unsafe.SliceData(from), unsafe.SliceData(lengths))
}

// otherDigit stands for properties beyond the limits.
const otherDigit = '9'

func appendField(b, key, value []byte, kind eventline.Kind) []byte {
	if len(key) > eventline.MaxNameBytes {
		return append(b, "90000000"...)
	}
	b = fmt.Appendf(b, "%d%07d", kind, utf8.RuneCount(key))
	return append(append(b, key...), eventline.Shorten(value)...)
}
