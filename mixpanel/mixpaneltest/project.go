package mixpaneltest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mixduck/internal/day"
)

// Project is a Mixpanel project and the only service account that may read it.
type Project struct {
	ID       int64
	Region   string // us, eu or in
	Username string // of the service account
	Secret   string // of the service account
	// Location is the project's zone, in which to_date must not be after today. Nil means UTC.
	Location *time.Location
	// ShiftedTimes makes the project one from before 2023: dates are days of Location, and the property time is the
	// wall clock of Location, encoded as if it were UTC. Otherwise dates are UTC days and time is a true epoch.
	ShiftedTimes bool
	// MaxPastDays is how many days before today may be requested; 0 means any number.
	MaxPastDays int
	Data        Source
	Funnels     []Funnel // saved in the project
	// Profiles are the initial user profiles; nil means none.
	Profiles ProfileSource
	Groups   []Group
	Cohorts  []Cohort
	// The following fields are saved in the project.

	Annotations  []Annotation
	Lexicon      []LexiconEntry
	Bookmarks    []Bookmark
	LookupTables []LookupTable
	// PageSize is the number of profiles per page; 0 means 1000.
	PageSize int
	// TotalOnPage0 omits the total on all other pages.
	TotalOnPage0 bool
	// NumericIDs sends IDs that are integers as numbers, not as text: Mixpanel's OpenAPI description allows both.
	NumericIDs bool
}

// Funnel is a saved funnel of a project.
type Funnel struct {
	ID    int64
	Name  string
	Steps []string // names of events
}

// Format returns the format of the project's lines for a request with that time_in_ms.
func (p Project) Format(timeInMS bool) Format {
	f := Format{TimeInMS: timeInMS}
	if p.ShiftedTimes {
		f.Shift = p.Location
	}
	return f
}

func (p Project) validate() error {
	switch {
	case p.ID <= 0:
		return fmt.Errorf("project %d: the id must be positive", p.ID)
	case !knownRegion(p.Region):
		return fmt.Errorf("project %d: region %q is not one of us, eu, in", p.ID, p.Region)
	case p.Username == "" || p.Secret == "":
		return fmt.Errorf("project %d: needs a username and a secret", p.ID)
	case p.MaxPastDays < 0:
		return fmt.Errorf("project %d: max past days %d is negative", p.ID, p.MaxPastDays)
	case p.Data == nil:
		return fmt.Errorf("project %d: has no data", p.ID)
	}
	for _, f := range p.Funnels {
		if f.ID <= 0 || f.Name == "" || len(f.Steps) == 0 {
			return fmt.Errorf("project %d: funnel %d needs a positive id, a name and steps", p.ID, f.ID)
		}
	}
	return p.validateProfiles()
}

func (p Project) validateProfiles() error {
	if p.PageSize < 0 {
		return fmt.Errorf("project %d: page size %d is negative", p.ID, p.PageSize)
	}
	groups := map[string]bool{"": true}
	for _, g := range p.Groups {
		if _, err := strconv.ParseUint(g.ID, 10, 64); err != nil || groups[g.ID] || g.Key == "" {
			return fmt.Errorf("project %d: group %q needs a key, and an id of digits that no other one has", p.ID, g.ID)
		}
		groups[g.ID] = true
	}
	cohorts := make(map[int64]bool)
	for _, c := range p.Cohorts {
		if c.ID <= 0 || cohorts[c.ID] || c.Every < 0 || !groups[c.Group] {
			return fmt.Errorf("project %d: cohort %d needs a positive id that no other one has, and a group that there is", p.ID, c.ID)
		}
		cohorts[c.ID] = true
	}
	return nil
}

// refuseDays returns why Mixpanel would not export days at the time now, or nil.
func (p *project) refuseDays(days day.Range, now time.Time) *refusal {
	today := day.Of(now.In(p.Location))
	if days.To > today {
		return plain(http.StatusBadRequest, "to_date cannot be later than today")
	}
	if p.MaxPastDays > 0 && days.From < today-day.Day(p.MaxPastDays) {
		return tooFarBack(p.MaxPastDays)
	}
	return nil
}

func knownRegion(region string) bool { return region == "us" || region == "eu" || region == "in" }

// stands reports whether a server reached as host has the projects of region. The hosts are those of the requested
// API, by region.
func (s *Server) stands(region, host string, hosts map[string]string) bool {
	if strings.HasSuffix(host, "mixpanel.com") {
		return host == hosts[region]
	}
	return s.region == "" || s.region == region
}

func exportHosts() map[string]string {
	return map[string]string{"us": "data.mixpanel.com", "eu": "data-eu.mixpanel.com", "in": "data-in.mixpanel.com"}
}

func ingestionHosts() map[string]string {
	return map[string]string{"us": "api.mixpanel.com", "eu": "api-eu.mixpanel.com", "in": "api-in.mixpanel.com"}
}

func queryHosts() map[string]string {
	return map[string]string{"us": "mixpanel.com", "eu": "eu.mixpanel.com", "in": "in.mixpanel.com"}
}
