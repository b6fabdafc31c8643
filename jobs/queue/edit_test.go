package queue_test

import (
	"testing"

	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
)

func TestEdits(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit jobs.Edit
		ok   bool
	}{
		{"dropping needs a table", jobs.Edit{Action: jobs.ActionDrop}, false},
		{"dropping all needs none", jobs.Edit{Action: jobs.ActionDropAll}, true},
		{"the model needs nothing", jobs.Edit{Action: jobs.ActionModel, Force: true}, true},
		{"compacting needs nothing", jobs.Edit{Action: jobs.ActionCompact}, true},
		{"a backup goes into a volume", jobs.Edit{Action: jobs.ActionBackup, To: "backups/x.db"}, true},
		{"a backup needs a name", jobs.Edit{Action: jobs.ActionBackup}, false},
		{"a backup stays in its volume", jobs.Edit{Action: jobs.ActionBackup, To: "backups/../../x.db"}, false},
		{"a backup is another file", jobs.Edit{Action: jobs.ActionBackup, To: "main/x.db"}, false},
		{"promoting needs properties", jobs.Edit{Action: jobs.ActionPromote, Table: "events"}, false},
		{"refilling needs no columns", jobs.Edit{Action: jobs.ActionRefill, Table: "events"}, true},
		{"refilling takes columns without types", jobs.Edit{Action: jobs.ActionRefill, Table: "events", Promote: "plan,at:TIMESTAMP"}, true},
		{"refilling needs a table", jobs.Edit{Action: jobs.ActionRefill}, false},
		{"refilling takes no unknown type", jobs.Edit{Action: jobs.ActionRefill, Table: "events", Promote: "plan:TEXT"}, false},
		{"what nobody knows", jobs.Edit{Action: "burn"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.edit.Database = "main/x.db"
			err := tt.edit.Validate()
			if ok := err == nil; ok != tt.ok || !ok && fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Validate() = %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestEditsStandInTheLane(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		fetching := jobstest.Submit(t, t.Q, "x", "a")
		edit, err := t.Q.Submit(t.Context(), jobs.Request{
			Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/x.db", Action: jobs.ActionDrop, Table: "events"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if edit.State != jobs.StateWaiting || edit.Behind != fetching.ID {
			t.Errorf("the edit is %s behind %q, want it waiting behind %s", edit.State, edit.Behind, fetching.ID)
		}
		_, err = t.Q.Submit(t.Context(), jobs.Request{Kind: jobs.KindEdit, Edit: jobs.Edit{Database: "main/x.db", Action: "burn"}})
		if fault.CodeOf(err) != fault.CodeUsage {
			t.Errorf("an unknown action: %v, want a usage error", err)
		}
		joined, err := t.Q.Submit(t.Context(), jobs.Request{Fetch: fetching.Fetch, IfBusy: jobs.IfBusyJoin})
		if err != nil || joined.Joined {
			t.Errorf("a fetch joined one whose rows an edit may take away: %+v, %v", joined, err)
		}
	})
}
