package mixpaneltest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"slices"
	"time"

	"mixduck/internal/day"
)

const (
	terminatedEarly = "terminated early" // as seen at the end of responses
	wireBufferBytes = 64 << 10
)

// answer sends the events of q, unless a fault prevents it. An error means that the connection must be cut.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, entry *Request, p *project, q query) error {
	plan := s.plan(p.ID, "", q)
	if done, err := s.answerAmiss(w, r, entry, plan); done {
		return err
	}
	if err := s.check(p, q); err != nil {
		return s.refuse(w, r, entry, wrapped(http.StatusBadRequest, "this stand-in cannot serve that: %v", err))
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.note(func() { entry.Status = http.StatusOK })
	wire := newWire(r.Context(), w, plan.fault)
	err := s.send(wire, w.Header(), acceptsGzip(r.Header), p, q, plan)
	s.note(func() {
		entry.Bytes = wire.sent
		entry.Done = err == nil
	})
	return err
}

// answerAmiss applies a fault of the response; done means that nothing else follows.
func (s *Server) answerAmiss(w http.ResponseWriter, r *http.Request, entry *Request, plan plan) (done bool, err error) {
	s.note(func() { entry.Fault = plan.kind() })
	switch kind := plan.kind(); {
	case kind == ResetAtOnce:
		return true, reset(w)
	case kind == SlowFirstByte:
		plan.fault.hold(r.Context())
		err := r.Context().Err()
		return err != nil, err
	case kind.class() == answerClass:
		return true, s.refuse(w, r, entry, plan.fault.Fault.refusal())
	}
	return false, nil
}

// check checks whether the source can serve the form of q, before anything is sent.
func (s *Server) check(p *project, q query) error {
	for _, err := range p.Data.Lines(q.days.From, p.Format(q.timeInMS)) {
		return err
	}
	return nil
}

// send encodes the lines of q into wire.
func (s *Server) send(wire *wire, header http.Header, gzip bool, p *project, q query, plan plan) error {
	buffer := bufio.NewWriterSize(wire, wireBufferBytes)
	body := s.newBody(buffer, header, gzip)
	var err error
	if plan.kind().class() == linesClass {
		err = write(body, endEarly(plan.fault.Fault, s.lines(p, q, plan)))
	} else {
		err = s.sendDays(body, gzip, p, q, plan)
	}
	if err != nil {
		return err
	}
	return finish(body, buffer, wire)
}

// finish ends a response, from the encoding to the wire.
func finish(body *body, buffer *bufio.Writer, wire *wire) error {
	if err := body.Close(); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return err
	}
	return wire.finish()
}

// sendDays writes the lines of q. If nothing changes and the source has a day in compressed form, it sends
// that.
func (s *Server) sendDays(body *body, gzip bool, p *project, q query, plan plan) error {
	source, ok := p.Data.(packedSource)
	if !ok || !gzip || !q.filter.all() || q.limit > 0 {
		return write(body, s.lines(p, q, plan))
	}
	for d := range q.days.All() {
		var packed io.ReadCloser
		if len(plan.edits[d]) == 0 {
			var err error
			if packed, err = source.Packed(d, p.Format(q.timeInMS)); err != nil {
				return err
			}
		}
		if packed == nil {
			if err := write(body, dayLines(p, d, p.Format(q.timeInMS), plan.edits[d])); err != nil {
				return err
			}
			continue
		}
		if err := errors.Join(body.WritePacked(packed), packed.Close()); err != nil {
			return err
		}
	}
	return nil
}

// lines yields the lines selected by q, after all edits and before any other fault.
func (s *Server) lines(p *project, q query, plan plan) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		left := q.limit
		for d := range q.days.All() {
			for line, err := range dayLines(p, d, p.Format(q.timeInMS), plan.edits[d]) {
				if err == nil && !q.filter.takes(line) {
					continue
				}
				if !yield(line, err) || err != nil {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// dayLines yields the lines of d after the edits. Without edits they are never all in memory.
func dayLines(p *project, d day.Day, f Format, edits []edit) iter.Seq2[[]byte, error] {
	if len(edits) == 0 {
		return p.Data.Lines(d, f)
	}
	return func(yield func([]byte, error) bool) {
		var lines [][]byte
		for line, err := range p.Data.Lines(d, f) {
			if err != nil {
				yield(nil, err)
				return
			}
			lines = append(lines, bytes.Clone(bytes.TrimSuffix(line, []byte("\n"))))
		}
		for _, e := range edits {
			lines = e.apply(lines)
		}
		for _, line := range lines {
			if !yield(append(slices.Clip(line), '\n'), nil) {
				return
			}
		}
	}
}

func write(w io.Writer, lines iter.Seq2[[]byte, error]) error {
	for line, err := range lines {
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

// reset makes the kernel send a TCP reset if possible, and always returns an error.
func reset(w http.ResponseWriter) error {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the connection just closes normally
	}
	_ = conn.SetDeadline(time.Time{})
	return errors.Join(errCut, conn.Close())
}
