package e2e

import (
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
)

// holdUntilTold opens a database, says so, and closes it when it is told to, after some more seconds.
const holdUntilTold = `
import duckdb, sys, time
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "ro")
print("open", flush=True)
sys.stdin.readline()
time.sleep(int(sys.argv[3]))
con.close()
print("closed", flush=True)
`

// Another program that has the live file open pauses the job: it costs no attempt and no second download, and the job goes on
// when the file is free.
func TestDatabaseHeldByAnotherProgram(t *testing.T) {
	t.Parallel()
	seconds := "0"
	if proctest.Soak() {
		seconds = "130" // the job continues after two minutes, and is paused again
	}
	for _, tt := range []struct{ mode, version string }{{"ro", "duckdb"}, {"rw", "duckdb~=1.5.0"}} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			program := python(t, tt.version)
			s := newSite(t, embedded, newMixpanel(t, 50))
			s.startWorker(t)
			first, days := dates(t, "2025-11-01", "2025-11-01"), dates(t, "2025-09-01", "2025-11-03")
			s.fetch(t, first)
			slow := s.inject(t, mixpaneltest.Fault{Kind: mixpaneltest.SlowFirstByte})
			before := len(s.mixpanel.Requests())
			j := s.submit(t, days, "--max-attempts", "1")
			eventually(t, "a window is being downloaded", func() bool { return len(s.mixpanel.Requests()) > before })
			holder := startReader(t, program, holdUntilTold, s.path(defaultDatabase), tt.mode, seconds, "--password=s3cret")
			holder.line(t)
			slow.Remove()

			held := s.waitForState(t, j.ID, "paused")
			for _, text := range []string{"waits for python", "PID " + strconv.Itoa(holder.cmd.Process.Pid), "since "} {
				if !strings.Contains(held.Note, text) {
					t.Errorf("note = %q, want %q in it", held.Note, text)
				}
			}
			if strings.Contains(held.Note, "s3cret") {
				t.Errorf("the note shows arguments of the program: %q", held.Note)
			}
			if said := s.enqueue(t, "status"); !strings.Contains(said.stdout, "waits for python") {
				t.Errorf("status says %s", said.stdout)
			}
			holder.ask(t)
			done := s.wait(t, j.ID)
			if done.Attempts != 1 || done.State != "done" {
				t.Errorf("the job is %s after %d attempts, want done after one", done.State, done.Attempts)
			}
			s.checkEvents(t, days)
			windows := map[string]int{}
			for _, r := range s.mixpanel.Requests()[before:] {
				windows[r.Days.String()]++
			}
			for window, n := range windows {
				if n > 1 {
					t.Errorf("%s was requested %d times", window, n)
				}
			}
		})
	}
}
