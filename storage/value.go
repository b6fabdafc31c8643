package storage

import (
	"encoding/base64"
	"fmt"
	"math"
	"math/big"
	"strconv"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Value is a typed value of a parameter, as text, so that processes can pass it on as JSON.
type Value struct {
	// Type is BOOLEAN, TINYINT, SMALLINT, INTEGER, BIGINT, UBIGINT, FLOAT, DOUBLE, DECIMAL,
	// DATE, TIME, TIMESTAMP, TIMESTAMP_NS, TIMESTAMPTZ, BLOB or VARCHAR. "" is a text that becomes what the statement needs.
	Type string `json:"type"`

	// Text is nil for NULL. Dates are days, times and timestamps are microseconds (TIMESTAMP_NS: nanoseconds) since
	// 1970 or midnight, in UTC. A DECIMAL is its digits without the point. A BLOB is base64.
	Text *string `json:"text"`

	Width uint8 `json:"width,omitempty"` // of a DECIMAL
	Scale uint8 `json:"scale,omitempty"`
}

// BindValue sets parameter i of Parameters to a value with a type. DuckDB casts it if the statement needs another one.
func (s *Statement) BindValue(i int, v Value) error {
	index := mapping.IdxT(i + 1)
	if v.Text == nil {
		s.values[i] = v
		return s.boundOr(mapping.BindNull(s.stmt, index))
	}
	if text := *v.Text; v.Type == "" {
		s.values[i] = v
		return s.boundOr(mapping.BindVarcharLength(s.stmt, index, text, mapping.IdxT(len(text))))
	}
	made, err := v.make()
	if err != nil {
		return fmt.Errorf("parameter %d: %w", i+1, err)
	}
	defer mapping.DestroyValue(&made)
	s.values[i] = v
	return s.boundOr(mapping.BindValue(s.stmt, index, made))
}

// boundOr returns the error of a value that could not be bound.
func (s *Statement) boundOr(state mapping.State) error {
	if state == mapping.StateError {
		return newSQLError(mapping.PrepareError(s.stmt))
	}
	return nil
}

// make returns DuckDB's form of a value that is not NULL. The caller destroys it.
func (v Value) make() (made mapping.Value, err error) {
	text := *v.Text
	switch v.Type {
	case "VARCHAR":
		return mapping.CreateVarcharLength(text, mapping.IdxT(len(text))), nil
	case "BLOB":
		b, err := base64.StdEncoding.DecodeString(text)
		return mapping.CreateBlob(b), err
	case "BOOLEAN":
		b, err := strconv.ParseBool(text)
		return mapping.CreateBool(b), err
	case "FLOAT":
		f, err := strconv.ParseFloat(text, 32)
		return mapping.CreateFloat(float32(f)), err
	case "DOUBLE":
		f, err := strconv.ParseFloat(text, 64)
		return mapping.CreateDouble(f), err
	case "DECIMAL":
		n, ok := new(big.Int).SetString(text, 10)
		if !ok || n.BitLen() > 127 {
			return made, fmt.Errorf("%q is not a DECIMAL", text)
		}
		low := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)) // of the two's complement
		return mapping.CreateDecimal(mapping.NewDecimal(v.Width, v.Scale, mapping.NewHugeInt(low.Uint64(), new(big.Int).Rsh(n, 64).Int64()))), nil
	case "UBIGINT":
		n, err := strconv.ParseUint(text, 10, 64)
		return mapping.CreateUInt64(n), err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return made, err
	}
	return v.integer(n)
}

// integer returns a value of a type that is an integer inside.
func (v Value) integer(n int64) (made mapping.Value, err error) {
	switch v.Type {
	case "TINYINT":
		return mapping.CreateInt8(int8(n)), nil
	case "SMALLINT":
		return mapping.CreateInt16(int16(n)), nil
	case "INTEGER":
		return mapping.CreateInt32(int32(n)), nil
	case "BIGINT":
		return mapping.CreateInt64(n), nil
	case "DATE":
		return mapping.CreateDate(mapping.NewDate(int32(n))), nil
	case "TIME":
		return mapping.CreateTime(mapping.NewTime(n)), nil
	case "TIMESTAMP":
		return mapping.CreateTimestamp(mapping.NewTimestamp(n)), nil
	case "TIMESTAMPTZ":
		return mapping.CreateTimestampTZ(mapping.NewTimestamp(n)), nil
	case "TIMESTAMP_NS":
		return mapping.CreateTimestampNS(mapping.NewTimestampNS(n)), nil
	}
	return made, fmt.Errorf("no parameter can have the type %s", v.Type)
}
