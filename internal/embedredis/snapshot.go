package embedredis

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// A snapshot is a header followed by frames: one for the clock, one per script and key, and a last one with their
// number. The first byte of a payload is its type.
const (
	snapshotHeader = "mixduck snapshot 1\n"

	entryClock  = 't' // keys have aged up to this time, in Unix nanoseconds
	entryScript = 'x' // body
	entryString = 's' // key, expiry, value
	entryHash   = 'h' // key, expiry, alternating fields and values
	entryList   = 'l' // key, expiry, elements
	entrySet    = 'e' // key, expiry, members
	entryZSet   = 'z' // key, expiry, count, alternating score bits and members
	entryEnd    = '.' // number of frames before it
)

// dump returns all data of the engine. Expiries are times in Unix nanoseconds, 0 for none.
func (e *engine) dump() ([]byte, error) {
	buf := []byte(snapshotHeader)
	var frames uint64
	add := func(kind byte, fill func([]byte) []byte) {
		buf = appendFrame(buf, func(b []byte) []byte { return fill(append(b, kind)) })
		frames++
	}
	add(entryClock, func(b []byte) []byte { return binary.AppendVarint(b, e.clock) })
	for body := range e.scripts {
		add(entryScript, func(b []byte) []byte { return appendString(b, body) })
	}
	for _, key := range e.redis.Keys() {
		kind, value, err := e.dumpValue(key)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key, err)
		}
		add(kind, func(b []byte) []byte {
			b = binary.AppendVarint(appendString(b, key), e.expiry(key))
			return append(b, value...)
		})
	}
	add(entryEnd, func(b []byte) []byte { return binary.AppendUvarint(b, frames) })
	return buf, nil
}

func (e *engine) expiry(key string) int64 {
	ttl := e.redis.TTL(key)
	if ttl == 0 {
		return 0
	}
	return e.clock + int64(ttl)
}

func (e *engine) dumpValue(key string) (kind byte, value []byte, err error) {
	switch t := e.redis.Type(key); t {
	case "string":
		v, err := e.redis.Get(key)
		return entryString, appendString(nil, v), err
	case "hash":
		fields, err := e.redis.HKeys(key)
		pairs := make([]string, 0, 2*len(fields))
		for _, f := range fields {
			pairs = append(pairs, f, e.redis.HGet(key, f))
		}
		return entryHash, appendStrings(nil, pairs), err
	case "list":
		v, err := e.redis.List(key)
		return entryList, appendStrings(nil, v), err
	case "set":
		v, err := e.redis.Members(key)
		return entrySet, appendStrings(nil, v), err
	case "zset":
		scores, err := e.redis.SortedSet(key)
		value = binary.AppendUvarint(nil, uint64(len(scores)))
		for member, score := range scores {
			value = binary.LittleEndian.AppendUint64(value, math.Float64bits(score))
			value = appendString(value, member)
		}
		return entryZSet, value, err
	default:
		return 0, nil, fmt.Errorf("snapshots do not support type %q", t)
	}
}

// restore fills an empty engine with the result of dump. After an error the engine is partly filled.
func (e *engine) restore(snapshot []byte) error {
	buf, ok := bytes.CutPrefix(snapshot, []byte(snapshotHeader))
	if !ok {
		return fmt.Errorf("%w: not a snapshot", errMalformed)
	}
	var frames uint64
	for {
		payload, after, ok := nextFrame(buf, maxPayloadBytes)
		if !ok {
			return fmt.Errorf("%w: entry %d", errMalformed, frames)
		}
		buf = after
		if payload[0] == entryEnd {
			d := decoder{payload[1:]}
			if d.uvarint() != frames || len(buf) > 0 {
				return fmt.Errorf("%w: expected %d entries", errMalformed, frames)
			}
			return d.finish()
		}
		if err := e.restoreEntry(payload[0], decoder{payload[1:]}); err != nil {
			return fmt.Errorf("entry %d: %w", frames, err)
		}
		frames++
	}
}

func (e *engine) restoreEntry(kind byte, d decoder) error {
	switch kind {
	case entryClock:
		e.clock = d.varint()
		return d.finish()
	case entryScript:
		return e.restoreScript(d)
	}
	key, expiry := d.string(), d.varint()
	if err := e.restoreValue(kind, key, &d); err != nil {
		return err
	}
	if expiry != 0 {
		e.redis.SetTTL(key, time.Duration(expiry-e.clock))
	}
	return d.finish()
}

func (e *engine) restoreScript(d decoder) error {
	body := d.string()
	e.replay(record{now: e.clock, clock: e.clock, commands: [][]string{{"SCRIPT", "LOAD", body}}})
	return d.finish()
}

func (e *engine) restoreValue(kind byte, key string, d *decoder) (err error) {
	switch kind {
	case entryString:
		return e.redis.Set(key, d.string())
	case entryHash:
		e.redis.HSet(key, d.strings()...)
	case entryList:
		_, err = e.redis.Push(key, d.strings()...)
	case entrySet:
		_, err = e.redis.SetAdd(key, d.strings()...)
	case entryZSet:
		return e.restoreZSet(key, d)
	default:
		return fmt.Errorf("%w: kind %q", errMalformed, kind)
	}
	return err
}

func (e *engine) restoreZSet(key string, d *decoder) error {
	count := d.uvarint()
	if count == 0 { // miniredis keeps such a key, which Redis deletes, and commands can tell
		e.replay(record{now: e.clock, clock: e.clock, commands: [][]string{{"ZUNIONSTORE", key, "1", key}}})
	}
	for range count {
		score := math.Float64frombits(d.uint64())
		if _, err := e.redis.ZAdd(key, score, d.string()); err != nil {
			return err
		}
		if d.buf == nil {
			return errMalformed
		}
	}
	return nil
}
