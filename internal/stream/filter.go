package stream

import (
	"reflect"
	"time"
)

// Filter says which profiles to fetch; see [mixpanel.EngageQuery] for the rules. The zero value is all profiles of users. Its JSON
// form is stored with jobs and tables: fields are only ever added, and keep their order.
type Filter struct {
	Where                   string   `json:"where,omitempty"`             // a Mixpanel expression
	OutputProperties        []string `json:"output_properties,omitempty"` // none means all
	DistinctIDs             []string `json:"distinct_ids,omitempty"`
	Group                   string   `json:"group,omitempty"`  // id of a group key, digits
	Cohort                  int64    `json:"cohort,omitempty"` // 0 means none
	OmitUsersWithoutProfile bool     `json:"omit_users_without_profile,omitempty"`
	Behaviors               string   `json:"behaviors,omitempty"` // a JSON array
	// AsOf is the moment at which Behaviors are evaluated, to the second; zero means when the fetch begins.
	AsOf time.Time `json:"as_of,omitzero"`
}

// IsZero reports whether all profiles of users pass.
func (f *Filter) IsZero() bool { return reflect.ValueOf(*f).IsZero() }
