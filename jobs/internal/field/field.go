// Package field reads the fields of hashes in Redis.
package field

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Parser reads fields of a hash and keeps the first error.
type Parser struct {
	Fields map[string]string
	Err    error
}

// Int returns a number, or 0 if the field is missing or empty.
func (p *Parser) Int(name string) int64 {
	s := p.Fields[name]
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	p.keep(name, err)
	return n
}

// Time returns a time stored by [Millis].
func (p *Parser) Time(name string) time.Time {
	ms := p.Int(name)
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// JSON decodes a field into to. It leaves to unchanged if the field is missing or empty.
func (p *Parser) JSON(name string, to any) {
	if s := p.Fields[name]; s != "" {
		p.keep(name, json.Unmarshal([]byte(s), to))
	}
}

func (p *Parser) keep(name string, err error) {
	if err != nil && p.Err == nil {
		p.Err = fmt.Errorf("field %s: %w", name, err)
	}
}

// Millis returns the stored form of a time: Unix milliseconds, or 0 for the zero time.
func Millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
