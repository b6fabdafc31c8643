package embedredis

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A file of records is a header followed by frames: four bytes of length and four of CRC-32C, both little-endian, then
// a payload of that length. No payload is empty, so zeros at the end are not a record.
const (
	frameBytes      = 8
	maxPayloadBytes = 1 << 30
	scanBytes       = 64 << 10 // how much to search for a record after damage
)

var errMalformed = errors.New("malformed record")

func checksum(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli))
}

// appendFrame appends a frame with the payload that fill appends.
func appendFrame(buf []byte, fill func([]byte) []byte) []byte {
	start := len(buf)
	buf = fill(append(buf, make([]byte, frameBytes)...))
	payload := buf[start+frameBytes:]
	binary.LittleEndian.PutUint32(buf[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(buf[start+4:], checksum(payload))
	return buf
}

// nextFrame returns the payload of the complete frame at the start of buf, and the bytes after it. A frame with a
// payload of more than maxBytes is not ok.
func nextFrame(buf []byte, maxBytes uint32) (payload, rest []byte, ok bool) {
	if len(buf) < frameBytes {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint32(buf)
	if n == 0 || n > maxBytes || int(n) > len(buf)-frameBytes {
		return nil, nil, false
	}
	payload, rest = buf[frameBytes:frameBytes+n], buf[frameBytes+n:]
	return payload, rest, checksum(payload) == binary.LittleEndian.Uint32(buf[4:])
}

// hasFrame reports whether a complete frame starts anywhere in buf: then the bytes before it are damage, not an
// unfinished append.
func hasFrame(buf []byte) bool {
	for i := range buf {
		if _, _, ok := nextFrame(buf[i:], scanBytes); ok {
			return true
		}
	}
	return false
}

// record is a record of the journal: commands executed together, and when.
type record struct {
	now      int64 // Unix nanoseconds, as used by TIME and EXPIREAT
	clock    int64 // Unix nanoseconds up to which keys had aged
	aged     int64 // how much keys had aged since the previous record, in nanoseconds
	commands [][]string
}

// frame returns the record's frame.
func (r record) frame() []byte {
	return appendFrame(nil, func(b []byte) []byte {
		b = binary.AppendVarint(b, r.now)
		b = binary.AppendVarint(b, r.now-r.clock)
		b = binary.AppendVarint(b, r.aged)
		b = binary.AppendUvarint(b, uint64(len(r.commands)))
		for _, args := range r.commands {
			b = appendStrings(b, args)
		}
		return b
	})
}

func decodeRecord(payload []byte) (record, error) {
	d := decoder{payload}
	r := record{now: d.varint()}
	r.clock = r.now - d.varint()
	r.aged = d.varint()
	for range d.uvarint() {
		r.commands = append(r.commands, d.strings())
		if d.buf == nil {
			break
		}
	}
	return r, d.finish()
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// decoder reads values from a payload. After the first missing value buf is nil, and all further values are zero.
type decoder struct{ buf []byte }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	d.skip(n)
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.buf)
	d.skip(n)
	return v
}

func (d *decoder) uint64() uint64 {
	if len(d.buf) < 8 {
		d.buf = nil
		return 0
	}
	v := binary.LittleEndian.Uint64(d.buf)
	d.buf = d.buf[8:]
	return v
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.buf = nil
		return
	}
	d.buf = d.buf[n:]
}

func (d *decoder) string() string {
	n := d.uvarint()
	if d.buf == nil || n > uint64(len(d.buf)) {
		d.buf = nil
		return ""
	}
	s := string(d.buf[:n])
	d.buf = d.buf[n:]
	return s
}

func (d *decoder) strings() []string {
	var list []string
	for range d.uvarint() {
		list = append(list, d.string())
		if d.buf == nil {
			return nil
		}
	}
	return list
}

// finish reports whether all values were present and nothing else was.
func (d *decoder) finish() error {
	if d.buf == nil || len(d.buf) > 0 {
		return errMalformed
	}
	return nil
}
