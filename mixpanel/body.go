package mixpanel

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxAnswer is the maximum size of an unpacked response of the Query API.
const maxAnswer = 32 << 20 // bytes

// Body is the response to an export (lines of JSON) or to a request for profiles (one JSON object), exactly as
// received. One goroutine may read it. Another one may call Close, which ends a waiting read.
//
// Read returns [io.EOF] only if the body is complete as far as the transfer shows, otherwise an [*Error] or the cause
// with which the request's context ended. A complete body can still be wrong: Mixpanel also reports failures inside
// the body (see [Report]), and the reader must check the checksum at the end of a gzip stream.
type Body struct {
	// Gzip means that the bytes are a gzip stream; otherwise they are plain lines.
	Gzip bool
	// Framed means that the transfer marks its end (length, chunks or HTTP/2), so io.EOF proves that nothing is
	// missing. Without it only the checksum of a gzip body can prove that, and other bodies never end without an
	// error.
	Framed bool
	// Limits are the limits of the project that Mixpanel sent, if any.
	Limits []Limit

	stream io.ReadCloser
	watch  *watchdog
	idle   time.Duration
	err    error  // why the body ended
	leave  func() // releases a place in the Query API; may be nil
}

func newBody(resp *http.Response, watch *watchdog, idle time.Duration) (*Body, error) {
	zipped := isGzip(resp.Header)
	if enc := resp.Header.Get("Content-Encoding"); !zipped && enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, &Error{
			Action: Retry, Reason: ReasonServer, Status: resp.StatusCode,
			Message: clean("unknown content encoding " + enc),
		}
	}
	return &Body{
		Gzip:   zipped,
		Framed: resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.ProtoMajor >= 2,
		Limits: parseLimits(resp.Header),
		stream: resp.Body,
		watch:  watch,
		idle:   idle,
	}, nil
}

func isGzip(h http.Header) bool {
	enc := strings.TrimSpace(h.Get("Content-Encoding"))
	return strings.EqualFold(enc, "gzip") || strings.EqualFold(enc, "x-gzip")
}

// Read reads the next bytes. After an error it keeps returning the same error.
func (b *Body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	b.watch.wait(b.idle)
	n, err := b.stream.Read(p)
	b.watch.calm()
	if err != nil {
		b.err = b.ending(err)
	}
	return n, b.err
}

// ending interprets the end of the stream.
func (b *Body) ending(err error) error {
	if errors.Is(err, io.EOF) && (b.Framed || b.Gzip) {
		return io.EOF
	}
	switch cause := b.watch.cause(); {
	case errors.Is(cause, errSilent):
		return timeoutError("no data for %s", b.idle)
	case cause != nil:
		return cause
	case errors.Is(err, io.EOF):
		return truncatedError(err, "the connection was closed, and the response does not announce its length")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return truncatedError(err, "the response is truncated")
	}
	return networkError(err)
}

// text unpacks and returns a complete response of the Query API, which must not exceed maxAnswer.
func (b *Body) text() ([]byte, error) {
	var r io.Reader = b
	if b.Gzip {
		zr, err := gzip.NewReader(b)
		if err != nil {
			return nil, b.broken(err)
		}
		r = zr
	}
	text, err := io.ReadAll(io.LimitReader(r, maxAnswer+1))
	if err != nil {
		return nil, b.broken(err)
	}
	if len(text) > maxAnswer {
		return nil, &Error{
			Action: GiveUp, Reason: ReasonBadRequest, Smaller: true, Status: http.StatusOK,
			Message: "the response is larger than 32 MiB",
		}
	}
	return bytes.TrimPrefix(text, []byte("\ufeff")), nil
}

// broken interprets an error while unpacking: either the transfer has ended, or its content is damaged.
func (b *Body) broken(err error) error {
	if b.err != nil && !errors.Is(b.err, io.EOF) {
		return b.err
	}
	return truncatedError(err, "the response is corrupt: "+err.Error())
}

// Close returns the connection for reuse if the body was read to its end, otherwise it closes the connection.
func (b *Body) Close() error {
	b.watch.release(http.ErrBodyReadAfterClose)
	err := b.stream.Close()
	if b.leave != nil {
		b.leave()
	}
	return err
}
