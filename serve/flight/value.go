package flight

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"mixduck/storage"
)

// valueOf returns a value of a column. A list or a struct becomes a text, which DuckDB casts to what the statement needs.
func valueOf(column arrow.Array, row int) (storage.Value, error) {
	if column.IsNull(row) || column.DataType().ID() == arrow.NULL {
		return storage.Value{}, nil
	}
	if coded, ok := column.(*array.Dictionary); ok {
		return valueOf(coded.Dictionary(), coded.GetValueIndex(row))
	}
	switch c := column.(type) {
	case *array.Boolean:
		return value("BOOLEAN", strconv.FormatBool(c.Value(row))), nil
	case *array.Float16:
		return value("FLOAT", strconv.FormatFloat(float64(c.Value(row).Float32()), 'g', -1, 32)), nil
	case *array.Float32:
		return value("FLOAT", strconv.FormatFloat(float64(c.Value(row)), 'g', -1, 32)), nil
	case *array.Float64:
		return value("DOUBLE", strconv.FormatFloat(c.Value(row), 'g', -1, 64)), nil
	case array.StringLike:
		return value("VARCHAR", c.Value(row)), nil
	case interface{ Value(row int) []byte }:
		return value("BLOB", base64.StdEncoding.EncodeToString(c.Value(row))), nil
	case *array.Decimal32:
		return decimalOf(column, big.NewInt(int64(c.Value(row))))
	case *array.Decimal64:
		return decimalOf(column, big.NewInt(int64(c.Value(row))))
	case *array.Decimal128:
		return decimalOf(column, c.Value(row).BigInt())
	case *array.Decimal256:
		return decimalOf(column, c.Value(row).BigInt())
	case array.ListLike, *array.Struct:
		return value("", column.ValueStr(row)), nil
	}
	return integerOf(column, row)
}

func value(kind, text string) storage.Value { return storage.Value{Type: kind, Text: &text} }

func decimalOf(column arrow.Array, digits *big.Int) (storage.Value, error) {
	kind, ok := column.DataType().(arrow.DecimalType)
	if !ok || kind.GetPrecision() > 38 || kind.GetScale() < 0 {
		return storage.Value{}, fmt.Errorf("a decimal can have at most 38 digits, not the type %s", column.DataType())
	}
	v := value("DECIMAL", digits.String())
	v.Width, v.Scale = uint8(kind.GetPrecision()), uint8(kind.GetScale()) // at most 38
	return v, nil
}

// integerOf returns a value that is an integer inside.
func integerOf(column arrow.Array, row int) (storage.Value, error) {
	whole := func(kind string, n int64) (storage.Value, error) { return value(kind, strconv.FormatInt(n, 10)), nil }
	switch c := column.(type) {
	case *array.Int8:
		return whole("TINYINT", int64(c.Value(row)))
	case *array.Int16:
		return whole("SMALLINT", int64(c.Value(row)))
	case *array.Int32:
		return whole("INTEGER", int64(c.Value(row)))
	case *array.Int64:
		return whole("BIGINT", c.Value(row))
	case *array.Uint8:
		return whole("SMALLINT", int64(c.Value(row)))
	case *array.Uint16:
		return whole("INTEGER", int64(c.Value(row)))
	case *array.Uint32:
		return whole("BIGINT", int64(c.Value(row)))
	case *array.Uint64:
		return value("UBIGINT", strconv.FormatUint(c.Value(row), 10)), nil
	case *array.Date32:
		return whole("DATE", int64(c.Value(row)))
	case *array.Date64:
		return whole("DATE", int64(c.Value(row))/86_400_000)
	}
	return timeOf(column, row)
}

// timeOf returns a time of day or a timestamp.
func timeOf(column arrow.Array, row int) (storage.Value, error) {
	switch kind := column.DataType().(type) {
	case *arrow.Time32Type:
		if c, ok := column.(*array.Time32); ok {
			return value("TIME", strconv.FormatInt(int64(c.Value(row))*int64(kind.Unit.Multiplier())/1000, 10)), nil
		}
	case *arrow.Time64Type:
		c, ok := column.(*array.Time64)
		switch {
		case ok && kind.Unit == arrow.Nanosecond:
			return microsOf("TIME", int64(c.Value(row)))
		case ok:
			return value("TIME", strconv.FormatInt(int64(c.Value(row)), 10)), nil
		}
	case *arrow.TimestampType:
		if c, ok := column.(*array.Timestamp); ok {
			return timestampOf(kind, int64(c.Value(row)))
		}
	}
	return storage.Value{}, fmt.Errorf("a parameter cannot have the type %s", column.DataType())
}

func timestampOf(kind *arrow.TimestampType, n int64) (storage.Value, error) {
	name := "TIMESTAMP"
	if kind.TimeZone != "" {
		name = "TIMESTAMPTZ"
	}
	switch {
	case kind.Unit == arrow.Nanosecond && name == "TIMESTAMP":
		return value("TIMESTAMP_NS", strconv.FormatInt(n, 10)), nil
	case kind.Unit == arrow.Nanosecond:
		return microsOf(name, n)
	}
	factor := int64(kind.Unit.Multiplier()) / 1000
	if product := n * factor; product/factor == n {
		return value(name, strconv.FormatInt(product, 10)), nil
	}
	return storage.Value{}, errors.New("the timestamp is out of range")
}

// microsOf returns a value of nanoseconds if it is one of microseconds.
func microsOf(kind string, nanos int64) (storage.Value, error) {
	if nanos%1000 != 0 {
		return storage.Value{}, errors.New("DuckDB has no nanoseconds for this type: use microseconds")
	}
	return value(kind, strconv.FormatInt(nanos/1000, 10)), nil
}
