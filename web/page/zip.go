package page

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// zip compresses a file as well as it can.
func zip(data []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = w.Write(data) // a buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// takesGzip reports whether a client reads gzip.
func takesGzip(r *http.Request) bool {
	for encoding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.ReplaceAll(encoding, " ", ""), ";q=")
		if name != "gzip" {
			continue
		}
		q, err := strconv.ParseFloat(quality, 64)
		return quality == "" || err == nil && q > 0
	}
	return false
}

// zipWriter compresses pages and JSON. Streams and results go through unchanged.
type zipWriter struct {
	http.ResponseWriter

	wanted bool
	begun  bool // the header was written
	zip    *gzip.Writer
}

// Unwrap is for [http.ResponseController].
func (w *zipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader decides whether the body is compressed.
func (w *zipWriter) WriteHeader(code int) {
	if !w.begun {
		w.begun = true
		h := w.Header()
		kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
		if kind == "text/html" || kind == "application/json" {
			h.Add("Vary", "Accept-Encoding")
			if w.wanted && code == http.StatusOK && h.Get("Content-Encoding") == "" && h.Get("Content-Disposition") == "" {
				h.Set("Content-Encoding", "gzip")
				h.Del("Content-Length")
				w.zip = gzip.NewWriter(w.ResponseWriter)
			}
		}
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *zipWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	if w.zip != nil {
		return w.zip.Write(b)
	}
	return w.ResponseWriter.Write(b)
}

// close writes what is left.
func (w *zipWriter) close() {
	if w.zip != nil {
		_ = w.zip.Close() // the client is gone if this fails
	}
}
