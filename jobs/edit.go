package jobs

import (
	"mixduck/internal/fault"
	"mixduck/internal/promotion"
)

// Action is what an edit does.
type Action string

// The actions of an edit.
const (
	ActionDrop    Action = "drop"     // one table with all that is known of it
	ActionDropAll Action = "drop-all" // every table that fetches have filled
	ActionPromote Action = "promote"  // give properties columns of their own
)

// Edit is the payload of [KindEdit]: a change of a database that asks nothing of Mixpanel. It stands in the database's
// lane. Fields are only ever added.
type Edit struct {
	Database string `json:"database"` // volume/relative path, with the volume
	Action   Action `json:"action"`
	Table    string `json:"table,omitempty"`   // all but [ActionDropAll]
	Promote  string `json:"promote,omitempty"` // [ActionPromote]: as [promotion.Parse] reads it
}

// Validate reports what makes e senseless, as an error with [fault.CodeUsage] and a hint.
func (e Edit) Validate() error {
	if err := validateDatabase(e.Database); err != nil {
		return err
	}
	switch e.Action {
	case ActionDropAll:
		return nil
	case ActionDrop:
		return validateTable(e.Table)
	case ActionPromote:
		if e.Promote == "" {
			return fault.Usage("name at least one, as plan or amount:DOUBLE", "there is no property to promote")
		}
		if _, err := promotion.Parse(e.Promote); err != nil {
			return err
		}
		return validateTable(e.Table)
	}
	return fault.Usage("drop, drop-all or promote", "%q is no change of a database", e.Action)
}
