package answer

import (
	"io"

	"mixduck/internal/jsonscan"
)

const windowBytes = 128 << 10

// window is the part of a text that is in memory. It advances as the text is read.
type window struct {
	src  io.Reader
	buf  []byte
	at   int    // start of the rest in buf
	past int64  // bytes of the text before the rest
	head []byte // the start of the text
	err  error  // why src ended
}

// rest returns the unread text in memory. It is valid until the next call of more.
func (w *window) rest() []byte { return w.buf[w.at:] }

// ended reports whether the rest is the end of the text.
func (w *window) ended() bool { return w.err == io.EOF } //nolint:errorlint // wrapped it is part of another failure

func (w *window) skip(n int) {
	w.at += n
	w.past += int64(n)
}

// more adds at least a byte to the rest, unless the text has ended. It returns the error of src if the text did not
// end properly.
func (w *window) more() error {
	if w.err != nil {
		return w.failed()
	}
	n := copy(w.buf[:cap(w.buf)], w.rest())
	if 2*n > cap(w.buf) || cap(w.buf) == 0 {
		grown := make([]byte, max(windowBytes, 2*cap(w.buf)))
		copy(grown, w.buf[:n])
		w.buf = grown
	}
	w.at = 0
	n, w.err = readFull(w.src, w.buf[:cap(w.buf)], n)
	w.buf = w.buf[:n]
	if w.head == nil {
		w.head = clip(w.buf)
	}
	return w.failed()
}

func (w *window) failed() error {
	if w.ended() {
		return nil
	}
	return w.err
}

// next skips white space and returns the byte there, 0 at the end of the text.
func (w *window) next() (byte, error) {
	for {
		s := jsonscan.Scanner{B: w.rest()}
		n := s.Space(0)
		w.skip(n)
		if n < len(s.B) {
			return s.B[n], nil
		}
		if w.ended() {
			return 0, nil
		}
		if err := w.more(); err != nil {
			return 0, err
		}
	}
}
