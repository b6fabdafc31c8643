package jobs

import (
	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/promotion"
)

// Action is what an edit does.
type Action string

// The actions of an edit.
const (
	ActionDrop    Action = "drop"     // delete a table and everything known about it
	ActionDropAll Action = "drop-all" // delete every table that fetches have filled
	ActionPromote Action = "promote"  // add columns for properties
	ActionRefill  Action = "refill"   // recompute promoted columns
	ActionBackup  Action = "backup"   // copy the database to a new file
	ActionCompact Action = "compact"  // rewrite the file without the space of deleted rows
	ActionModel   Action = "model"    // create and extend the typed views
)

// Edit is the payload of [KindEdit]: work on a database that needs no request to Mixpanel. It waits in the database's
// lane. Fields are only ever added.
type Edit struct {
	Database string `json:"database"` // volume/relative path; always with the volume
	Action   Action `json:"action"`
	Table    string `json:"table,omitempty"`   // for [ActionDrop], [ActionPromote] and [ActionRefill]
	Promote  string `json:"promote,omitempty"` // for [ActionPromote] in the form of [promotion.Parse]; for [ActionRefill] in that of [promotion.ParseColumns], "" for all
	To       string `json:"to,omitempty"`      // for [ActionBackup]: the new file, as a database name
	Force    bool   `json:"force,omitempty"`   // for [ActionModel]: give columns wider types
}

// Validate checks e. Errors have [fault.CodeUsage] and a hint.
func (e Edit) Validate() error {
	if err := name.Target(e.Database); err != nil {
		return err
	}
	switch e.Action {
	case ActionDropAll, ActionCompact, ActionModel:
		return nil
	case ActionBackup:
		if e.To == e.Database {
			return fault.Usage("name another file", "a database cannot be its own backup")
		}
		return name.Target(e.To)
	case ActionDrop:
		return name.Table(e.Table)
	case ActionPromote:
		if e.Promote == "" {
			return fault.Usage("name at least one, as plan or amount:DOUBLE", "there is no property to promote")
		}
		if _, err := promotion.Parse(e.Promote); err != nil {
			return err
		}
		return name.Table(e.Table)
	case ActionRefill:
		if _, err := promotion.ParseColumns(e.Promote); err != nil {
			return err
		}
		return name.Table(e.Table)
	}
	return fault.Usage("drop, drop-all, promote, refill, backup, compact or model", "%q is nothing that is done to a database", e.Action)
}
