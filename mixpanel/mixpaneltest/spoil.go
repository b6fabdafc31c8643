package mixpaneltest

import (
	"bytes"
	"cmp"
	"iter"
	"net/http"
	"time"
)

const (
	defaultMaxPastDays = 90
	defaultRetryAfter  = time.Hour
	defaultAtOnceFree  = 3
)

// refusal is what a fault answers in place of the events.
func (f Fault) refusal() *refusal {
	switch f.Kind {
	case OverQuota:
		wait := f.RetryAfter
		if wait == 0 {
			wait = defaultRetryAfter
		}
		return overQuota(wait, defaultAtOnceFree)
	case TooManyAtOnce:
		if f.Call != "" {
			return tooManyAtOnce("query", 1)
		}
		return tooManyAtOnce("export", 1)
	case Bare429:
		return plain(http.StatusTooManyRequests, "Too Many Requests")
	case Refused:
		return plain(cmp.Or(f.Status, http.StatusBadRequest), f.Text)
	case Status402:
		return wrapped(http.StatusPaymentRequired, "Your plan does not allow API calls. Upgrade at mixpanel.com/pricing")
	case Status403:
		return tooFarBack(defaultMaxPastDays)
	case Status404:
		return wrapped(http.StatusNotFound, "no data")
	case TimeoutError:
		return plain(http.StatusBadRequest, "Timeout Error.")
	case Status502:
		return plain(http.StatusBadGateway, "<html><body>502 Bad Gateway</body></html>")
	case Status503:
		return plain(http.StatusServiceUnavailable, "upstream connect error or disconnect/reset before headers")
	default:
		return wrapped(http.StatusInternalServerError, "internal server error")
	}
}

// endEarly yields some of the lines and then what the fault leaves behind.
func endEarly(f Fault, lines iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	switch f.Kind {
	case EmptyBody:
		return func(func([]byte, error) bool) {}
	case TerminatedOnly:
		return tail(nil, terminatedEarly+"\n")
	default:
	}
	return func(yield func([]byte, error) bool) {
		var all [][]byte
		for line, err := range lines {
			if err != nil {
				yield(nil, err)
				return
			}
			all = append(all, bytes.Clone(line))
		}
		n := len(all) / 2
		if f.AfterLines > 0 {
			n = min(f.AfterLines, len(all))
		}
		if f.AtEnd {
			n = len(all)
		}
		switch f.Kind {
		case TerminatedEarly:
			tail(all[:n], terminatedEarly+"\n")(yield)
		case ExportTerminatedEarly:
			tail(all[:n], "export "+terminatedEarly+"\n")(yield)
		case ErrorTail:
			tail(all[:n], `{"error":"query could not be completed"}`+"\n")(yield)
		default: // HalfLine
			tail(all[:n], half(all, n))(yield)
		}
	}
}

// half returns the first half of line n, or of a line that never was.
func half(lines [][]byte, n int) string {
	if n < len(lines) {
		return string(lines[n][:len(lines[n])/2])
	}
	return `{"event":"Half a line","properties":{"time":17`
}

// tail yields lines and then one more text.
func tail(lines [][]byte, last string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
		yield([]byte(last), nil)
	}
}
