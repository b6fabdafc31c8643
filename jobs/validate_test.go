package jobs_test

import (
	"strings"
	"testing"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/jobs"
	"mixduck/jobs/internal/jobstest"
)

// reportsFetch returns a fetch of reports into the table of f.
func reportsFetch(f *jobs.Fetch, ids ...int64) jobs.Fetch {
	return jobs.Fetch{Project: f.Project, Database: f.Database, Table: f.Table, Stream: "reports", Mode: jobs.ModeFull, ReportIDs: ids}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 600)
	tests := []struct {
		name   string
		change func(f *jobs.Fetch)
		ok     bool
	}{
		{"a plain request", func(*jobs.Fetch) {}, true},
		{"a single day", func(f *jobs.Fetch) { f.Days.To = f.Days.From }, true},
		{"a nested database of another volume", func(f *jobs.Fetch) { f.Database = "eu-1/a/b c/ü.duckdb" }, true},
		{"no project", func(f *jobs.Fetch) { f.Project = "" }, false},
		{"no mode", func(f *jobs.Fetch) { f.Mode = "" }, false},
		{"an unknown mode", func(f *jobs.Fetch) { f.Mode = "drop" }, false},
		{"no days", func(f *jobs.Fetch) { f.Days = day.Range{} }, false},
		{"all days that are stored, for late events", func(f *jobs.Fetch) { f.Days, f.LateSince = day.Range{}, time.Unix(1, 0) }, true},
		{"late events of a new table", func(f *jobs.Fetch) { f.Mode, f.LateSince = jobs.ModeReplace, time.Unix(1, 0) }, false},
		{"due days", func(f *jobs.Fetch) { f.Due = &jobs.Due{Lookback: 5, MaxWindows: 3} }, true},
		{"all days that are stored, if they are due", func(f *jobs.Fetch) { f.Days, f.Due = day.Range{}, &jobs.Due{} }, false},
		{"due days of a new table", func(f *jobs.Fetch) { f.Mode, f.Due = jobs.ModeCreate, &jobs.Due{} }, false},
		{"due days and late events", func(f *jobs.Fetch) { f.LateSince, f.Due = time.Unix(1, 0), &jobs.Due{} }, false},
		{"a look-back into the future", func(f *jobs.Fetch) { f.Due = &jobs.Due{Lookback: -1} }, false},
		{"a negative number of windows", func(f *jobs.Fetch) { f.Due = &jobs.Due{MaxWindows: -1} }, false},
		{"the earliest day", func(f *jobs.Fetch) { f.Days.From = day.Earliest }, true},
		{"days before Mixpanel", func(f *jobs.Fetch) { f.Days.From = day.Earliest - 1 }, false},
		{"days from the beginning of time", func(f *jobs.Fetch) { f.Days.From = 0 }, false},
		{"days the wrong way round", func(f *jobs.Fetch) { f.Days.From = f.Days.To + 1 }, false},
		{"a nameless event", func(f *jobs.Fetch) { f.Events = []string{"A", ""} }, false},
		{"a where of 16 KiB", func(f *jobs.Fetch) { f.Where = strings.Repeat("x", 16<<10) }, true},
		{"a longer where", func(f *jobs.Fetch) { f.Where = strings.Repeat("x", 16<<10+1) }, false},
		{"a table that begins with a digit", func(f *jobs.Fetch) { f.Table = "1a" }, false},
		{"a table with a quote", func(f *jobs.Fetch) { f.Table = `a"b` }, false},
		{"reports of events", func(f *jobs.Fetch) { f.ReportIDs = []int64{1} }, false},
		{"reports", func(f *jobs.Fetch) { *f = reportsFetch(f, 1, 2) }, true},
		{"a report with a negative id", func(f *jobs.Fetch) { *f = reportsFetch(f, 1, -2) }, false},
		{"the same report twice", func(f *jobs.Fetch) { *f = reportsFetch(f, 1, 2, 1) }, false},
		{"reports of all streams", func(f *jobs.Fetch) { *f = reportsFetch(f, 1); f.Stream = "all" }, false},
		{"no table", func(f *jobs.Fetch) { f.Table = "" }, false},
		{"a table of 63 bytes", func(f *jobs.Fetch) { f.Table = long[:63] }, true},
		{"a longer table", func(f *jobs.Fetch) { f.Table = long[:64] }, false},
		{"a table with one underscore", func(f *jobs.Fetch) { f.Table = "_events" }, true},
		{"a hidden table", func(f *jobs.Fetch) { f.Table = "__events" }, false},
		{"a table of ours", func(f *jobs.Fetch) { f.Table = "MixDuck_x" }, false},
		{"a table that is being filled", func(f *jobs.Fetch) { f.Table = "events__replacing" }, false},
		{"no database", func(f *jobs.Fetch) { f.Database = "" }, false},
		{"a database without a volume", func(f *jobs.Fetch) { f.Database = "x.db" }, false},
		{"an absolute database", func(f *jobs.Fetch) { f.Database = "/etc/x.db" }, false},
		{"an absolute path in a volume", func(f *jobs.Fetch) { f.Database = "main//etc/x.db" }, false},
		{"a database outside of its volume", func(f *jobs.Fetch) { f.Database = "main/../x.db" }, false},
		{"a database in a hidden directory", func(f *jobs.Fetch) { f.Database = "main/.mixduck/x.db" }, false},
		{"a database that is a directory", func(f *jobs.Fetch) { f.Database = "main/x.db/" }, false},
		{"a database that is another's lock", func(f *jobs.Fetch) { f.Database = "main/x.db.lock" }, false},
		{"a database with a NUL", func(f *jobs.Fetch) { f.Database = "main/x\x00.db" }, false},
		{"a database with a backslash", func(f *jobs.Fetch) { f.Database = `main\x.db` }, false},
		{"a database that is not UTF-8", func(f *jobs.Fetch) { f.Database = "main/\xff.db" }, false},
		{"a volume in capitals", func(f *jobs.Fetch) { f.Database = "Main/x.db" }, false},
		{"a long database", func(f *jobs.Fetch) { f.Database = "main/" + long + ".db" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := jobstest.Fetch("x", "events")
			tt.change(&f)
			err := f.Validate()
			if tt.ok && err != nil || !tt.ok && fault.CodeOf(err) != fault.CodeUsage {
				t.Errorf("Validate() = %v, want ok: %v", err, tt.ok)
			}
		})
	}
}

func TestParseDatabase(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{ // "" means a usage error with a hint
		{"x.db", "main/x.db"},
		{"main/x.db", "main/x.db"},
		{"vol/x.db", "vol/x.db"},
		{"vol/a/x.db", "vol/a/x.db"},
		{"eu/jan.db", "main/eu/jan.db"},
		{"", ""},
		{"vol", ""},
		{"vol/", ""},
		{"../x.db", ""},
		{"/abs/x.db", ""},
		{"a/../../x", ""},
		{"vol/../x.db", ""},
		{"./x.db", ""},
		{"x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := jobs.ParseDatabase(tt.in, []string{"main", "vol"})
			if got != tt.want {
				t.Errorf("ParseDatabase(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			}
			if tt.want == "" && (fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "") {
				t.Errorf("ParseDatabase(%q) = %v, want a usage error with a hint", tt.in, err)
			}
		})
	}
}

func FuzzParseDatabase(f *testing.F) {
	f.Add("vol/a/x.db")
	f.Add("../x.db")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := jobs.ParseDatabase(s, []string{"main", "vol"})
		if err != nil {
			return
		}
		again, err := jobs.ParseDatabase(got, []string{"main", "vol"})
		if err != nil || again != got {
			t.Errorf("ParseDatabase(%q) = %q, but that is %q, %v", s, got, again, err)
		}
	})
}
