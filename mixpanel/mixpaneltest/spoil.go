package mixpaneltest

import (
	"bytes"
	"cmp"
	"iter"
	"net/http"
	"slices"
	"time"
)

const (
	defaultMaxPastDays = 90
	defaultRetryAfter  = time.Hour
	defaultAtOnceFree  = 3
)

// refusal returns the response of a fault that replaces the events.
func (f Fault) refusal() *refusal {
	switch f.Kind {
	case OverQuota:
		wait := f.RetryAfter
		if wait == 0 {
			wait = defaultRetryAfter
		}
		return overQuota(wait, defaultAtOnceFree)
	case SessionEnded:
		return uncached()
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

// endEarly yields some of the lines and then what the fault leaves.
func endEarly(f Fault, lines iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	switch f.Kind {
	case EmptyBody:
		return func(func([]byte, error) bool) {}
	case TerminatedOnly:
		return tail(nil, terminatedEarly+"\n")
	case PageOnly:
		return tail(nil, page)
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
		before, text, after := spoiled(f.Kind, all, n)
		for _, part := range slices.Concat(before, [][]byte{text}, after) {
			if !yield(part, nil) {
				return
			}
		}
	}
}

const page = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center>nginx</center>\r\n</body>\r\n</html>\r\n"

// spoiled returns the lines before and after a text that does not belong there, and the text; for most texts, n lines
// come before.
func spoiled(kind Kind, all [][]byte, n int) (before [][]byte, text []byte, after [][]byte) {
	switch kind {
	case NoLastNewline:
		return nil, bytes.TrimSuffix(bytes.Join(all, nil), []byte("\n")), nil
	case ByteOrderMark:
		return nil, []byte("\ufeff"), all
	case PageBetween:
		return all[:n], []byte(page), all[n:]
	case SplitLine:
		if n >= len(all) {
			return all, nil, nil
		}
		at := len(all[n]) / 2
		return all[:n], slices.Concat(all[n][:at], []byte("\n"), all[n][at:]), all[n+1:]
	default:
		return all[:n], []byte(tailOf(kind, all, n)), nil
	}
}

// tailOf returns the text that follows n lines.
func tailOf(kind Kind, all [][]byte, n int) string {
	switch kind {
	case TerminatedEarly:
		return terminatedEarly + "\n"
	case ExportTerminatedEarly:
		return "export " + terminatedEarly + "\n"
	case ErrorTail:
		return `{"error":"query could not be completed"}` + "\n"
	case HalfLineNewline:
		return half(all, n) + "\n"
	case GluedTail:
		return half(all, n) + terminatedEarly + "\n"
	case ProxyTail:
		return "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
	case StatusTail:
		return `{"status":"error","message":"query timed out"}` + "\n"
	case PrettyTail:
		return "{\n  \"error\": \"Timeout Error.\",\n  \"request\": \"/api/2.0/export\"\n}\n"
	case PageTail:
		return page
	default: // HalfLine
		return half(all, n)
	}
}

// half returns the first half of line n, or of a generated one.
func half(lines [][]byte, n int) string {
	if n < len(lines) {
		return string(lines[n][:len(lines[n])/2])
	}
	return `{"event":"Half a line","properties":{"time":17`
}

// tail yields lines and then one additional text.
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
