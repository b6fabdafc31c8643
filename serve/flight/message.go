package flight

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	flatbuffers "github.com/google/flatbuffers/go"
)

// message is one of a stream of Arrow IPC. Flight sends the same two parts, so nothing is decoded on the way.
type message struct {
	head []byte // a flatbuffer
	body []byte
}

// The bounds of a message, in bytes. A child splits larger batches, but one row can have any length.
const (
	maxHead = 64 << 20
	maxBody = 2 << 30
)

// errIncomplete must never reach a client of a query that ended well.
var errIncomplete = errors.New("the result is not a complete Arrow stream")

// readMessage reads the next message. The error is io.EOF after the mark that ends a stream.
func readMessage(r io.Reader, m *message) error {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return unexpected(err)
	}
	size := binary.LittleEndian.Uint32(prefix[4:])
	switch {
	case binary.LittleEndian.Uint32(prefix[:]) != 0xffffffff || size > maxHead:
		return errIncomplete
	case size == 0:
		return io.EOF
	}
	var err error
	if m.head, err = readInto(m.head, r, int64(size)); err != nil {
		return err
	}
	length, err := bodyLength(m.head)
	if err != nil {
		return err
	}
	m.body, err = readInto(m.body, r, length)
	return err
}

// readInto reads n bytes into b, which it makes longer as they arrive.
func readInto(b []byte, r io.Reader, n int64) ([]byte, error) {
	if n <= int64(cap(b)) {
		_, err := io.ReadFull(r, b[:n])
		return b[:n], unexpected(err)
	}
	var grown bytes.Buffer
	grown.Grow(int(min(n, 16<<20)))
	_, err := io.CopyN(&grown, r, n)
	return grown.Bytes(), unexpected(err)
}

// unexpected replaces the end of what is read by an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errIncomplete
	}
	return err
}

// bodyLength returns the field of this name of a Message, see Message.fbs of Arrow.
func bodyLength(head []byte) (n int64, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%w: %v", errIncomplete, broken)
		}
	}()
	const slot = 4 + 3*flatbuffers.SizeVOffsetT // after version, header_type and header
	table := flatbuffers.Table{Bytes: head, Pos: flatbuffers.GetUOffsetT(head)}
	if at := table.Offset(slot); at != 0 {
		n = table.GetInt64(table.Pos + flatbuffers.UOffsetT(at))
	}
	if n < 0 || n > maxBody {
		return 0, errIncomplete
	}
	return n, nil
}

// encapsulated returns a message without a body as a stream has it.
func encapsulated(head []byte) []byte {
	b := make([]byte, 8, 8+len(head))
	binary.LittleEndian.PutUint32(b, 0xffffffff)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(head))) // at most maxHead
	return append(b, head...)
}
