package schedule_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
	"mixduck/jobs/schedule"
)

// The event names, expression and promoted properties of a schedule of all streams apply to its events.
func TestAScheduleOfAllStreamsFollowsUpWithEvents(t *testing.T) {
	t.Parallel()
	jobstest.OnEach(t, func(t jobstest.Rig) {
		s := jobstest.Daily("everything")
		s.Stream, s.Events, s.Where, s.Promote = "all", []string{"a"}, "true", "plan"
		jobstest.PublishFile(t, "w1", s)
		jobstest.WantSchedules(t, "everything")

		_, first := jobstest.Fire(t, "everything", 22)
		f := first.Fetch
		if f.Stream != "all" || f.Mode != jobs.ModeFull || f.Events[0] != "a" || f.Where != "true" || f.Promote != "plan" {
			t.Errorf("fetch of a run = %+v", f)
		}
		jobstest.Ended(t, 7, nil, first.ID)
		_, now := jobstest.TickAt(22)
		piece, err := schedule.NewStore(t.Q).FollowUp(t.Context(), jobstest.State(t, "everything", now), now)
		if err != nil || piece == nil {
			t.Fatalf("piece = %v, %v", piece, err)
		}
		want := f
		want.Stream, want.Mode, want.Due, want.Spare = "", jobs.ModeSync, &jobs.Due{MaxWindows: 12}, true
		if diff := cmp.Diff(want, piece.Fetch); diff != "" {
			t.Errorf("piece (-want +got):\n%s", diff)
		}
	})
}
