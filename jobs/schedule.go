package jobs

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"regexp"
	"time"

	"mixduck/internal/cron"
	"mixduck/internal/day"
	"mixduck/internal/defaults"
	"mixduck/internal/fault"
	"mixduck/internal/stream"
)

// Overlap says what to do at a tick while the job of the previous tick is not final.
type Overlap string

// The values of [Overlap].
const (
	OverlapSkip  Overlap = "skip"  // create no job
	OverlapQueue Overlap = "queue" // create a job, unless the previous one has not started yet
)

// The defaults of a schedule.
const (
	DefaultLookback = defaults.Lookback
	DefaultCatchUp  = defaults.CatchUp
)

// Schedule is a cron entry that creates fetches: at each tick, one of all due days since Start. Its JSON form is
// stored: fields are only ever added.
type Schedule struct {
	Name        string `json:"name"`
	Project     string `json:"project"`      // name in the configuration, or Mixpanel project ID
	ProjectZone string `json:"project_zone"` // IANA name; defines the project's days
	Stream      string `json:"stream"`       // see [stream.List]; "" means [stream.Events]

	Database string   `json:"database"` // volume/relative path; always with the volume
	Table    string   `json:"table"`
	Events   []string `json:"events,omitempty"`
	Where    string   `json:"where,omitempty"`
	Promote  string   `json:"promote,omitempty"`

	Cron     string        `json:"cron"`
	Zone     string        `json:"zone"`             // IANA name; zone of Cron; "" means ProjectZone
	Jitter   time.Duration `json:"jitter,omitempty"` // ticks are delayed by up to this, but not past the next
	CatchUp  time.Duration `json:"catch_up"`         // a tick that is this long overdue, including its jitter, is missed; 0 means [DefaultCatchUp]
	Overlap  Overlap       `json:"overlap"`          // "" means [OverlapSkip]
	Disabled bool          `json:"disabled,omitempty"`

	Start        day.Day  `json:"start"`         // 0 means the day of creation, minus the lookback
	Lookback     int      `json:"lookback"`      // days before today that each tick fetches again; see [DefaultLookback]
	IncludeToday bool     `json:"include_today"` // otherwise up to yesterday
	Mode         Mode     `json:"mode"`          // for events sync or append, for other streams full or incremental; "" means the first of the two
	Priority     Priority `json:"priority"`      // "" means [PriorityDefault]
	MaxAttempts  int      `json:"max_attempts"`  // 0 means [DefaultMaxAttempts]

	// For profiles. See [Fetch].
	FullEvery time.Duration `json:"full_every,omitempty"`
	History   bool          `json:"history,omitempty"`
	Group     string        `json:"group,omitempty"`

	Verify string `json:"verify,omitempty"` // of events. See [Fetch]

	ReportIDs []int64 `json:"report_ids,omitempty"` // of reports. See [Fetch]
}

var scheduleName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const (
	maxJitter    = 24 * time.Hour
	maxLookback  = 365
	leastCatchUp = time.Minute // so that schedulers that look late miss nothing
)

// WithDefaults returns s with missing values filled in.
func (s Schedule) WithDefaults() Schedule {
	if s.Stream == "" {
		s.Stream = stream.Events
	}
	info, _ := stream.Find(s.Stream) // validate reports unknown streams
	s.Table, s.Mode = cmp.Or(s.Table, info.Table), cmp.Or(s.Mode, Mode(info.Mode()))
	if s.Zone == "" {
		s.Zone = s.ProjectZone
	}
	if s.CatchUp == 0 {
		s.CatchUp = DefaultCatchUp
	}
	if s.Overlap == "" {
		s.Overlap = OverlapSkip
	}
	s.Priority = s.Priority.OrDefault()
	if s.MaxAttempts == 0 {
		s.MaxAttempts = DefaultMaxAttempts
	}
	return s
}

// Validate checks s. Errors have [fault.CodeUsage].
func (s Schedule) Validate() error {
	s = s.WithDefaults()
	if err := CheckScheduleName(s.Name); err != nil {
		return err
	}
	if err := s.validate(); err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	return nil
}

// CheckScheduleName checks the name of a schedule.
func CheckScheduleName(name string) error {
	if !scheduleName.MatchString(name) {
		return fault.Usage("letters, digits, dots, - and _, at most 64", "%q is no name of a schedule", name)
	}
	return nil
}

func (s Schedule) validate() error {
	if _, err := stream.Find(s.Stream); err != nil {
		return err
	}
	if _, err := LoadZone(s.ProjectZone); err != nil {
		return err
	}
	if _, err := s.Ticks(); err != nil {
		return err
	}
	switch {
	case s.Stream == stream.Events && s.Mode != ModeSync && s.Mode != ModeAppend:
		return fault.Usage("sync or append", "%q is no mode of a schedule of events", s.Mode)
	case !s.Dated() && s.Start != 0:
		return fault.Usage("leave the start out", "%s have no days, and so no first day", s.Stream)
	case s.Overlap != OverlapSkip && s.Overlap != OverlapQueue:
		return fault.Usage("skip or queue", "%q is no way to treat a job that still runs", s.Overlap)
	case s.Lookback < 0 || s.Lookback > maxLookback:
		return fault.Usage("5", "a look-back of %d days is not between 0 and %d", s.Lookback, maxLookback)
	case s.Jitter < 0 || s.Jitter > maxJitter:
		return fault.Usage("5m", "a jitter of %s is not between 0 and %s", s.Jitter, maxJitter)
	case s.CatchUp < leastCatchUp:
		return fault.Usage("omit it for the default", "a catch-up of %s is less than a minute", s.CatchUp)
	case s.MaxAttempts < 1:
		return fault.Usage("omit it for the default", "%d attempts are less than one", s.MaxAttempts)
	}
	if err := s.Priority.validate(); err != nil {
		return err
	}
	if s.Start < day.Earliest && s.Start != 0 {
		return tooEarly(s.Start)
	}
	f := s.Fetch(day.Range{From: day.Earliest, To: day.Earliest}, Due{})
	return f.Validate()
}

// LoadZone returns the zone with an IANA name. It does not accept "Local".
func LoadZone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || loc == time.Local {
		return nil, fault.Usage("a name such as UTC, Europe/Berlin or America/New_York", "time zone %q is not known", name)
	}
	return loc, nil
}

// Ticks returns the times of s, without jitter.
func (s Schedule) Ticks() (cron.Schedule, error) {
	loc, err := LoadZone(s.WithDefaults().Zone)
	if err != nil {
		return cron.Schedule{}, err
	}
	return cron.Parse(s.Cron, loc)
}

// FiresAt returns when a tick fires: with its jitter, and before the next tick.
func (s Schedule) FiresAt(ticks cron.Schedule, tick time.Time) time.Time {
	if s.Jitter < time.Second {
		return tick
	}
	h := fnv.New64a() // equal on all workers
	fmt.Fprintf(h, "%s %d", s.Name, tick.Unix())
	late := time.Duration(h.Sum64()%uint64(s.Jitter/time.Second)) * time.Second
	return tick.Add(min(late, ticks.Next(tick).Sub(tick)-time.Second))
}

// NextRun returns the first time after now at which a tick fires.
func (s Schedule) NextRun(now time.Time) (time.Time, error) {
	ticks, err := s.Ticks()
	if err != nil {
		return time.Time{}, err
	}
	tick := ticks.Latest(now.Add(-s.Jitter-time.Second), now)
	if tick.IsZero() || !s.FiresAt(ticks, tick).After(now) {
		tick = ticks.Next(now)
	}
	return s.FiresAt(ticks, tick), nil
}

// Days returns the days from which a tick that fires now selects the due ones, and false if there are none yet.
// Created is when the schedule was created.
//
// Streams without days always have something to fetch.
func (s Schedule) Days(created, now time.Time) (day.Range, bool, error) {
	if !s.Dated() {
		return day.Range{}, true, nil
	}
	loc, err := LoadZone(s.ProjectZone)
	if err != nil {
		return day.Range{}, false, err
	}
	days := day.Range{From: s.Start, To: day.Of(now.In(loc))}
	if !s.IncludeToday {
		days.To--
	}
	if days.From == 0 {
		days.From = day.Of(created.In(loc)) - day.Day(s.Lookback)
	}
	return days, days.Len() > 0, nil
}

// Dated reports whether the schedule fetches days that are due.
func (s Schedule) Dated() bool {
	info, _ := stream.Find(s.Stream) // validate reports unknown streams
	return info.Dated()
}

// Fetch returns the fetch of a run. For events it fetches the due ones of days.
func (s Schedule) Fetch(days day.Range, due Due) Fetch {
	f := Fetch{
		Project: s.Project, Database: s.Database, Table: s.Table, Events: s.Events, Where: s.Where, Mode: s.Mode, Promote: s.Promote,
		Stream: s.Stream, FullEvery: s.FullEvery, History: s.History, ReportIDs: s.ReportIDs,
	}
	if s.Dated() {
		f.Days, f.Due = days, &due
	}
	f.Verify = s.Verify
	if s.Stream == stream.Events {
		f.Stream = "" // as workers of earlier versions expect it
	}
	if s.Group != "" {
		f.Profiles = &stream.Filter{Group: s.Group}
	}
	return f
}
