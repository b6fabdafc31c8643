package embedredis

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A file of records is a header and then frames: four bytes of length, four of CRC-32C, both little-endian, and as many
// bytes of payload as the length says. No payload is empty, so a tail of zeroes is no record.
const (
	frameBytes      = 8
	maxPayloadBytes = 1 << 30
	scanBytes       = 64 << 10 // of a record that is searched for behind damage
)

var errMalformed = errors.New("malformed record")

func checksum(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli))
}

// appendFrame appends the frame of what fill appends.
func appendFrame(buf []byte, fill func([]byte) []byte) []byte {
	start := len(buf)
	buf = fill(append(buf, make([]byte, frameBytes)...))
	payload := buf[start+frameBytes:]
	binary.LittleEndian.PutUint32(buf[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(buf[start+4:], checksum(payload))
	return buf
}

// nextFrame returns the payload of the whole frame that buf begins with, and the bytes behind it. A frame of more than
// maxBytes of payload is not ok.
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

// hasFrame reports whether a whole frame starts anywhere in buf: then what precedes it is damage, not a torn tail.
func hasFrame(buf []byte) bool {
	for i := range buf {
		if _, _, ok := nextFrame(buf[i:], scanBytes); ok {
			return true
		}
	}
	return false
}

// record is one entry of the journal: commands that were carried out together, and the time at which.
type record struct {
	now      int64 // Unix nanoseconds: what TIME and EXPIREAT went by
	clock    int64 // Unix nanoseconds: the time up to which keys had aged
	aged     int64 // nanoseconds by which keys had aged since the record before
	commands [][]string
}

// frame returns the record as it stands in the journal.
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

// decoder takes values off a payload. After the first that is not there, buf is nil and all further ones are zero.
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

// finish reports whether all values were there and nothing else was.
func (d *decoder) finish() error {
	if d.buf == nil || len(d.buf) > 0 {
		return errMalformed
	}
	return nil
}
