package mixpaneltest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// minGzipBytes is the length above which a body is compressed, according to Mixpanel's documentation of the raw
// export.
const minGzipBytes = 1400

// acceptsGzip reports whether the client accepts gzip.
func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// body encodes the lines of a response: as gzip once they exceed minGzipBytes, if the client accepts it, otherwise
// unchanged. Close it at the end of the response.
type body struct {
	out     io.Writer
	header  http.Header
	packers *sync.Pool // of *gzip.Writer
	gzip    bool       // is or may still become gzip
	decided bool
	pending []byte       // not decided yet
	zw      *gzip.Writer // the open gzip member, or nil
}

func (s *Server) newBody(out io.Writer, header http.Header, gzip bool) *body {
	return &body{out: out, header: header, packers: &s.packers, gzip: gzip, decided: !gzip}
}

// Write adds lines.
func (b *body) Write(p []byte) (int, error) {
	if !b.decided {
		b.pending = append(b.pending, p...)
		if len(b.pending) <= minGzipBytes {
			return len(p), nil
		}
		b.decide()
		_, err := b.plainOrPacked().Write(b.pending)
		return len(p), err
	}
	return b.plainOrPacked().Write(p)
}

// WritePacked adds lines that are already gzip members. The client must accept gzip.
func (b *body) WritePacked(r io.Reader) error {
	start := make([]byte, minGzipBytes+1)
	n, err := io.ReadFull(r, start)
	if err != nil { // may be too short to be worth compressing
		if errors.Is(err, io.EOF) {
			return nil
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		zr, err := gzip.NewReader(bytes.NewReader(start[:n]))
		if err != nil {
			return err
		}
		_, err = io.Copy(b, zr)
		return err
	}
	if !b.decided {
		b.decide()
		if len(b.pending) > 0 {
			if _, err := b.plainOrPacked().Write(b.pending); err != nil {
				return err
			}
		}
	}
	if err := b.endMember(); err != nil {
		return err
	}
	if _, err := b.out.Write(start); err != nil {
		return err
	}
	_, err = io.Copy(b.out, r)
	return err
}

// Close ends the encoding.
func (b *body) Close() error {
	if !b.decided {
		_, err := b.out.Write(b.pending)
		return err
	}
	return b.endMember()
}

// decide switches the response to gzip.
func (b *body) decide() {
	b.decided = true
	b.header.Set("Content-Encoding", "gzip")
}

// plainOrPacked returns the destination of lines, and opens a gzip member if necessary.
func (b *body) plainOrPacked() io.Writer {
	if !b.gzip {
		return b.out
	}
	if b.zw == nil {
		zw, ok := b.packers.Get().(*gzip.Writer)
		if !ok {
			zw = newPacker()
		}
		zw.Reset(b.out)
		b.zw = zw
	}
	return b.zw
}

func (b *body) endMember() error {
	if b.zw == nil {
		return nil
	}
	err := b.zw.Close()
	b.packers.Put(b.zw)
	b.zw = nil
	return err
}
