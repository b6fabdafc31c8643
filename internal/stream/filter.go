package stream

import (
	"reflect"
	"time"
)

// Filter selects profiles; see [mixpanel.EngageQuery] for the rules. The zero value selects all user profiles. Its
// JSON form is stored with jobs and tables: fields are only ever added, and keep their order.
type Filter struct {
	Where                   string   `json:"where,omitempty"`             // a Mixpanel expression
	OutputProperties        []string `json:"output_properties,omitempty"` // empty means all
	DistinctIDs             []string `json:"distinct_ids,omitempty"`
	Group                   string   `json:"group,omitempty"`  // ID of a group key, digits
	Cohort                  int64    `json:"cohort,omitempty"` // 0 means none
	OmitUsersWithoutProfile bool     `json:"omit_users_without_profile,omitempty"`
	Behaviors               string   `json:"behaviors,omitempty"` // a JSON array
	// AsOf is the time at which Behaviors are evaluated, in whole seconds; zero means the start of the fetch.
	AsOf time.Time `json:"as_of,omitzero"`
}

// IsZero reports whether the filter selects all user profiles.
func (f *Filter) IsZero() bool { return reflect.ValueOf(*f).IsZero() }
