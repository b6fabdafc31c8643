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

// maxAnswer bounds an answer of the Query API, unpacked.
const maxAnswer = 32 << 20 // bytes

// Body is the response to an export (lines of JSON) or to a request for profiles (one JSON object), exactly as it was sent. It is read by
// one goroutine. Another one may call Close, which ends a read that waits.
//
// Reading returns [io.EOF] only for a body that is whole as far as the transfer can tell, else an [*Error] or the cause
// with which the context of the request ended. Whole is not yet good: Mixpanel reports failures inside of the body,
// too (see [Report]), and a gzip stream ends with a checksum that the reader has to check.
type Body struct {
	// Gzip says that the bytes are a gzip stream; else they are plain lines.
	Gzip bool
	// Framed says that the transfer marks its end (length, chunks or HTTP/2), so that io.EOF proves that nothing is
	// missing. Without it only gzip bodies can end well, and only their checksum proves it.
	Framed bool
	// Limits is what Mixpanel said about the project's budget, if it did.
	Limits []Limit

	stream io.ReadCloser
	watch  *watchdog
	idle   time.Duration
	err    error  // what ended the body
	leave  func() // gives a place of the query API back; may be nil
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

// Read reads the next bytes. After an error it returns the same error again.
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

// ending says what the end of the stream means.
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

// text unpacks and returns the whole of an answer of the Query API, which must not exceed maxAnswer.
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

// broken says what err, met while unpacking, means: what has ended the transfer, or that its content is damaged.
func (b *Body) broken(err error) error {
	if b.err != nil && !errors.Is(b.err, io.EOF) {
		return b.err
	}
	return truncatedError(err, "the response is corrupt: "+err.Error())
}

// Close gives the connection back if the body was read to its end, else it closes the connection.
func (b *Body) Close() error {
	b.watch.release(http.ErrBodyReadAfterClose)
	err := b.stream.Close()
	if b.leave != nil {
		b.leave()
	}
	return err
}
