package mixpaneltest

import (
	"context"
	"errors"
	"net/http"
)

// trailerBytes is the length of the end of a gzip member: its CRC-32 and its length.
const trailerBytes = 8

// errCut means that the connection must be cut.
var errCut = errors.New("cut on purpose")

// wire sends a body and applies a fault of the wire to it.
type wire struct {
	w     http.ResponseWriter
	fault Fault  // a fault of the wire, or the zero Fault
	pause func() // for Stall
	sent  int64  // bytes
	// interrupted means that the cut or the stall has happened.
	interrupted bool
	// held is data not sent yet: the whole body while its middle is unknown, otherwise the end that may be a trailer.
	held []byte
}

// newWire returns a wire to w; injection may be nil or of another class.
func newWire(ctx context.Context, w http.ResponseWriter, injection *Injection) *wire {
	out := &wire{w: w}
	if injection != nil && injection.Fault.Kind.class() == wireClass {
		out.fault = injection.Fault
		out.pause = func() { injection.hold(ctx) }
	}
	return out
}

// Write sends p, or as much of it as the fault allows.
func (w *wire) Write(p []byte) (int, error) {
	var err error
	switch w.fault.Kind {
	case CutConnection, Stall:
		if w.fault.AfterBytes == 0 || w.fault.AtEnd {
			w.held = append(w.held, p...) // only finish knows the middle
			return len(p), nil
		}
		err = w.sendAround(p, w.fault.AfterBytes)
	case MissingGzipTrailer, CorruptGzipCRC:
		w.held = append(w.held, p...)
		if n := len(w.held) - trailerBytes; n > 0 {
			err = w.send(w.held[:n])
			w.held = append(w.held[:0], w.held[n:]...)
		}
	default:
		err = w.send(p)
	}
	return len(p), err
}

// finish sends what is held back, and ends the body as the fault requires.
func (w *wire) finish() error {
	switch w.fault.Kind {
	case CutConnection, Stall:
		return w.finishAround()
	case MissingGzipTrailer, CorruptGzipCRC:
		if w.w.Header().Get("Content-Encoding") != "gzip" {
			return w.send(w.held)
		}
		if w.fault.Kind == MissingGzipTrailer {
			return nil
		}
		w.held[0] ^= 0xff
		return w.send(w.held)
	default:
		return nil
	}
}

// finishAround sends data that was held because the middle or end was unknown. A body shorter than AfterBytes is
// interrupted at its end.
func (w *wire) finishAround() error {
	at := int64(len(w.held) / 2)
	if w.fault.AtEnd {
		at = int64(len(w.held))
	}
	if len(w.held) > 0 {
		if err := w.sendAround(w.held, at); err != nil {
			return err
		}
	}
	return w.interrupt()
}

// sendAround sends p, and interrupts it as soon as at bytes of the body have been sent.
func (w *wire) sendAround(p []byte, at int64) error {
	first := at - w.sent
	if w.interrupted || first > int64(len(p)) {
		return w.send(p)
	}
	if err := w.send(p[:first]); err != nil {
		return err
	}
	if err := w.interrupt(); err != nil {
		return err
	}
	return w.send(p[first:])
}

// interrupt cuts the connection or holds it, once, after flushing everything sent so far.
func (w *wire) interrupt() error {
	if w.interrupted {
		return nil
	}
	w.interrupted = true
	if err := http.NewResponseController(w.w).Flush(); err != nil {
		return err
	}
	if w.fault.Kind == CutConnection {
		return errCut
	}
	w.pause()
	return nil
}

func (w *wire) send(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	n, err := w.w.Write(p)
	w.sent += int64(n)
	return err
}
