package mixpaneltest

import (
	"fmt"
	"slices"
	"time"

	"mixduck/internal/day"
)

// Kind is what a [Fault] does.
type Kind string

// Faults that replace the events with another response.
const (
	OverQuota      Kind = "over-quota"       // 429 with Retry-After and RateLimit
	TooManyAtOnce  Kind = "too-many-at-once" // 429 for the concurrency limit
	Bare429        Kind = "bare-429"         // 429 without any header
	Status402      Kind = "status-402"       // the plan does not include the API
	Status403      Kind = "status-403"       // Date range exceeds N days into the past
	Status404      Kind = "status-404"       // no data
	Status500      Kind = "status-500"
	Status502      Kind = "status-502"
	Status503      Kind = "status-503"
	TimeoutError   Kind = "timeout-error"   // 400 Timeout Error.
	Refused        Kind = "refused"         // the status and text of the fault
	SessionEnded   Kind = "session-ended"   // 400 for all pages of profiles except page 0
	ResetAtOnce    Kind = "reset-at-once"   // the connection is reset before the headers
	SlowFirstByte  Kind = "slow-first-byte" // held before the headers, then normal
	EmptyBody      Kind = "empty-body"      // 200 without a body
	TerminatedOnly Kind = "terminated-only" // 200 with only "terminated early"
)

// Faults that end the lines too early, after AfterLines, in a response that is complete on the wire.
const (
	TerminatedEarly       Kind = "terminated-early"        // a last line "terminated early"
	ExportTerminatedEarly Kind = "export-terminated-early" // a last line "export terminated early"
	ErrorTail             Kind = "error-tail"              // a last line {"error": …}
	HalfLine              Kind = "half-line"               // the last line is cut off
	HalfLineNewline       Kind = "half-line-newline"       // the last line is cut off, and a newline follows
	GluedTail             Kind = "glued-tail"              // the last line is cut off, and "terminated early" follows on it
	ProxyTail             Kind = "proxy-tail"              // a last line from a proxy, with words that Mixpanel does not use
	StatusTail            Kind = "status-tail"             // a last line {"status":"error", …} without an error key
	PrettyTail            Kind = "pretty-tail"             // a JSON error over several lines
	PageTail              Kind = "page-tail"               // a page of HTML
	PageOnly              Kind = "page-only"               // only an HTML page, such as a sign-in page
	PageBetween           Kind = "page-between"            // an HTML page, then the remaining lines
)

// Faults of the form of complete responses.
const (
	NoLastNewline Kind = "no-last-newline" // after the last event
	ByteOrderMark Kind = "byte-order-mark" // before the first event
	SplitLine     Kind = "split-line"      // a line end inside an event
)

// Faults of the wire. The first two occur after AfterBytes.
const (
	CutConnection      Kind = "cut-connection"
	Stall              Kind = "stall"                // held there, then normal
	MissingGzipTrailer Kind = "missing-gzip-trailer" // the last eight bytes of a gzip body; other bodies stay complete
	CorruptGzipCRC     Kind = "corrupt-gzip-crc"     // of a gzip body; other bodies stay complete
)

// Faults in the content of pages of profiles. All except the last two affect only the pages after page 0.
const (
	TotalMoves  Kind = "total-moves"  // the total increases by one per page
	PageRepeats Kind = "page-repeats" // as if a profile were added at the front: the last one of a page is also the first of the next
	PageSkips   Kind = "page-skips"   // as if a profile were deleted at the front: one is on no page
	LiveSet     Kind = "live-set"     // pages contain the profiles at the time of the request
	PageShort   Kind = "page-short"   // the last profile of the page is missing
	WrongPage   Kind = "wrong-page"   // the page claims to be the next one
)

// Faults of the data: they change what a correct copy holds, and [Server.Truth] takes them into account.
const (
	Reordered       Kind = "reordered"         // the whole day, in a different order for each request
	Rekeyed         Kind = "rekeyed"           // the same values, with other key order and white space
	LateRows        Kind = "late-rows"         // rows that appear only from request FromRequest on
	ExactDuplicates Kind = "exact-duplicates"  // the same line again
	NewerDuplicates Kind = "newer-duplicates"  // again with a changed property and a larger mp_processing_time_ms
	TiedDuplicates  Kind = "tied-duplicates"   // again with a changed property; the larger text alternates between the two
	MissingInsertID Kind = "missing-insert-id" // without $insert_id
	EmptyInsertID   Kind = "empty-insert-id"   // $insert_id is ""
	MissingDistinct Kind = "missing-distinct"  // without distinct_id
	EmptyDistinct   Kind = "empty-distinct"    // distinct_id is ""
	HotShard        Kind = "hot-shard"         // the event is $hotshard_events, its name and person in mp_original_…
	NotJSON         Kind = "not-json"          // additional lines that are not JSON
	NotEvents       Kind = "not-events"        // additional lines that are JSON but not events
	InvalidUTF8     Kind = "invalid-utf8"      // additional lines with bytes that are not UTF-8
	LoneSurrogates  Kind = "lone-surrogates"   // additional lines with half of a surrogate pair
	DeeplyNested    Kind = "deeply-nested"     // additional lines, nested 200 deep
	LongLine        Kind = "long-line"         // an additional event per day, of LineBytes
)

// Fault is a deliberate failure. Faults of the response or the wire affect some requests; faults of the data change
// the data.
type Fault struct {
	Kind    Kind      `json:"kind"`
	Project int64     `json:"project,omitempty"` // 0 means every project
	Days    day.Range `json:"days,omitzero"`     // affects requests for any of these days; the zero Range means all days
	// Call is the call of the Query API that a fault of the response or the wire affects, such as segmentation; *
	// means every call, "" means exports. Faults of the data affect both APIs, and count only requests for exports.
	Call string `json:"call,omitempty"`

	// The following fields are for faults of the response and the wire.

	Times         int  `json:"times,omitempty"`          // how many requests it affects; 0 means all
	MinDays       int  `json:"min_days,omitempty"`       // skips requests for fewer days
	MaxDays       int  `json:"max_days,omitempty"`       // skips requests for more days; 0 means no limit
	WithoutEvents bool `json:"without_events,omitempty"` // skips requests that name events
	// MinPage skips requests for earlier pages of profiles.
	MinPage int64 `json:"min_page,omitempty"`
	// Event skips requests that do not name it; "" skips none.
	Event string `json:"event,omitempty"`
	// AfterLines is the number of complete lines in a response that ends too early. AfterBytes is the number of body
	// bytes sent before the connection is cut or stalls. 0 means the middle; AtEnd means all.
	AfterLines int   `json:"after_lines,omitempty"`
	AfterBytes int64 `json:"after_bytes,omitempty"`
	AtEnd      bool  `json:"at_end,omitempty"`
	// Hold is how long SlowFirstByte and Stall hold a request; 0 means until the client disconnects, the fault is
	// released or removed, or the server is closed. In JSON it is in nanoseconds.
	Hold time.Duration `json:"hold,omitempty"`
	// RetryAfter is the wait requested by OverQuota, in whole seconds; 0 means an hour. In JSON it is in nanoseconds.
	RetryAfter time.Duration `json:"retry_after,omitempty"`

	// Status and Text are the response of Refused; a Status of 0 means 400.
	Status int    `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`

	// The following fields are for faults of the data.

	Every       int `json:"every,omitempty"`        // affects every n-th row of a day, starting with the first; 0 means 10
	FromRequest int `json:"from_request,omitempty"` // LateRows: the first request for a day that returns them; 0 means 2
	LineBytes   int `json:"line_bytes,omitempty"`   // LongLine: minimum length; 0 means 16 MiB
}

// class is the part of the response that a fault affects.
type class int

const (
	unknownClass class = iota
	answerClass        // replaces the events
	linesClass         // before the encoding
	wireClass          // after the encoding
	pageClass          // content of pages of profiles
	dataClass          // the data itself
)

func (k Kind) class() class {
	switch k {
	case OverQuota, TooManyAtOnce, Bare429, Status402, Status403, Status404, Status500, Status502, Status503, TimeoutError, Refused,
		ResetAtOnce, SlowFirstByte, SessionEnded:
		return answerClass
	case TotalMoves, PageRepeats, PageSkips, LiveSet, PageShort, WrongPage:
		return pageClass
	case EmptyBody, TerminatedOnly, TerminatedEarly, ExportTerminatedEarly, ErrorTail, HalfLine, HalfLineNewline, GluedTail, ProxyTail,
		StatusTail, PrettyTail, PageTail, PageOnly, PageBetween, NoLastNewline, ByteOrderMark, SplitLine:
		return linesClass
	case CutConnection, Stall, MissingGzipTrailer, CorruptGzipCRC:
		return wireClass
	case Reordered, Rekeyed, LateRows, ExactDuplicates, NewerDuplicates, TiedDuplicates, MissingInsertID, EmptyInsertID,
		MissingDistinct, EmptyDistinct, HotShard, NotJSON, NotEvents, InvalidUTF8, LoneSurrogates, DeeplyNested, LongLine:
		return dataClass
	}
	return unknownClass
}

// anyCall matches every call in Fault.Call.
const anyCall = "*"

func (f Fault) validate() error {
	class := f.Kind.class()
	if class == unknownClass {
		return fmt.Errorf("fault %q is not known", f.Kind)
	}
	if f.Days.Len() == 0 {
		return fmt.Errorf("fault %s: from %s is after %s", f.Kind, f.Days.From, f.Days.To)
	}
	if min(f.Times, f.MinDays, f.MaxDays, f.AfterLines, f.Every, f.FromRequest, f.LineBytes) < 0 ||
		f.MinPage < 0 || f.AfterBytes < 0 || f.Hold < 0 || f.RetryAfter < 0 || f.Status != 0 && (f.Status < 201 || f.Status > 599) {
		return fmt.Errorf("fault %s: no field may be negative, and a status is one of 201 to 599", f.Kind)
	}
	if _, known := endpointOf(f.Call); f.Call != "" && f.Call != anyCall && f.Call != engageCall && !known {
		return fmt.Errorf("fault %s: there is no call %q", f.Kind, f.Call)
	}
	if f.Call != "" && f.Call != engageCall && class == linesClass {
		return fmt.Errorf("fault %s: only exports and pages of profiles have lines", f.Kind)
	}
	if f.Call != engageCall && (class == pageClass || f.Kind == SessionEnded || f.MinPage != 0) {
		return fmt.Errorf("fault %s: only the call %s has pages", f.Kind, engageCall)
	}
	shaped := f
	shaped.Kind, shaped.Project, shaped.Days = "", 0, day.Range{}
	if class == dataClass {
		shaped.Every, shaped.FromRequest, shaped.LineBytes = 0, 0, 0
		if shaped != (Fault{}) {
			return fmt.Errorf("fault %s: changes the data, not single requests: it takes neither times, bounds nor calls", f.Kind)
		}
		return nil
	}
	if f.Every != 0 || f.FromRequest != 0 || f.LineBytes != 0 {
		return fmt.Errorf("fault %s: every, from_request and line_bytes are for faults of the data", f.Kind)
	}
	return nil
}

// hits reports whether f affects a request for q of project; call is "" for an export.
func (f Fault) hits(project int64, call string, q query) bool {
	return (f.Call == call || f.Call == anyCall && call != "") &&
		(f.Project == 0 || f.Project == project) &&
		(f.Days == (day.Range{}) || f.Days.From <= q.days.To && q.days.From <= f.Days.To) &&
		q.days.Len() >= f.MinDays &&
		(f.MaxDays == 0 || q.days.Len() <= f.MaxDays) &&
		(!f.WithoutEvents || len(q.filter.events) == 0) &&
		q.page >= f.MinPage && (f.Kind != SessionEnded || q.page > 0) &&
		(f.Event == "" || slices.Contains(q.filter.events, f.Event))
}

// changes reports whether f affects the data of d in project.
func (f Fault) changes(project int64, d day.Day) bool {
	return f.Kind.class() == dataClass &&
		(f.Project == 0 || f.Project == project) &&
		(f.Days == (day.Range{}) || f.Days.Contains(d))
}
