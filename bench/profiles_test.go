package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

// BenchmarkProfiles refreshes a table of a million profiles with 25 properties each twice, through the whole path.
// Between the two, 1% of them change.
func BenchmarkProfiles(b *testing.B) {
	const profiles = 1_000_000
	fake := mixpaneltest.Start(b, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{{
			ID: 12345, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Lines{},
			Profiles: mixpaneltest.People{Seed: 1, Count: profiles}, PageSize: 5000,
		}},
		Limits: mixpaneltest.Limits{Off: true},
	})
	for b.Loop() {
		home := b.TempDir()
		first, cpu, peak := fetchProfiles(b, fake, home)
		if _, err := fake.ChangeProfiles(12345, "", 100); err != nil {
			b.Fatal(err)
		}
		second, _, peakAgain := fetchProfiles(b, fake, home)
		b.ReportMetric(profiles/first.Seconds(), "profiles/s")
		b.ReportMetric(second.Seconds()/first.Seconds(), "second/first")
		report("refresh of 1M profiles over loopback, gzip, to committed rows (bar: ≥ 150,000)", "%.0f profiles/s", profiles/first.Seconds())
		report("CPU time for 1M profiles", "%.1f s", cpu.Seconds())
		report("a second refresh after 1% changed, by the time of the first (bar: ≤ 1.3)", "%.2f", second.Seconds()/first.Seconds())
		report("peak RSS (bar: ≤ 768 MB)", "%d MB", max(peak, peakAgain)/1e6)
	}
}

// fetchProfiles refreshes the profiles. The stand-in compresses the pages beforehand.
func fetchProfiles(b *testing.B, fake *mixpaneltest.Server, home string) (took, cpu time.Duration, peak int64) {
	b.Helper()
	if err := fake.PackProfiles(mixpaneltest.ProfileAsk{Project: 12345}); err != nil {
		b.Fatal(err)
	}
	return fetchStream(b, fake, home, "profiles")
}

// BenchmarkMembers refreshes a table with a million members of 20 cohorts twice, through the whole path. Between the
// two, 1% of the members of one cohort leave.
func BenchmarkMembers(b *testing.B) {
	const cohorts, members = 20, 50_000 // of each
	project := mixpaneltest.Project{
		ID: 12345, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Lines{},
		Profiles: mixpaneltest.People{Seed: 1, Count: cohorts * members}, PageSize: 5000,
	}
	for id := range int64(cohorts) {
		project.Cohorts = append(project.Cohorts, mixpaneltest.Cohort{ID: id + 1, Name: fmt.Sprint("cohort ", id+1), Every: cohorts})
	}
	fake := mixpaneltest.Start(b, mixpaneltest.Config{Projects: []mixpaneltest.Project{project}, Limits: mixpaneltest.Limits{Off: true}})
	leaving, err := fake.Members(12345, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		home := b.TempDir()
		packMembers(b, fake, cohorts)
		first, cpu, peak := fetchStream(b, fake, home, "cohort-members")
		for _, id := range leaving[:members/100] {
			if err := fake.DeleteMember(12345, 1, id); err != nil {
				b.Fatal(err)
			}
		}
		leaving = leaving[members/100:]
		packMembers(b, fake, 1)
		second, _, peakAgain := fetchStream(b, fake, home, "cohort-members")
		b.ReportMetric(first.Seconds(), "s/refresh")
		report("refresh of 1M members of 20 cohorts over loopback, gzip, to committed rows (bar: ≤ 10)", "%.1f s", first.Seconds())
		report("CPU time for 1M members of 20 cohorts", "%.1f s", cpu.Seconds())
		report("a second refresh of the members, by the time of the first", "%.2f", second.Seconds()/first.Seconds())
		report("peak RSS with members (bar: ≤ 768 MB)", "%d MB", max(peak, peakAgain)/1e6)
	}
}

// packMembers lets the stand-in compress the pages of the first n cohorts beforehand.
func packMembers(b *testing.B, fake *mixpaneltest.Server, n int64) {
	b.Helper()
	for id := range n {
		if err := fake.PackProfiles(mixpaneltest.ProfileAsk{Project: 12345, Cohort: id + 1, OutputProperties: []string{"$last_seen"}}); err != nil {
			b.Fatal(err)
		}
	}
}

// fetchStream runs mp, and returns how long it took, its CPU time, and its peak memory in bytes.
func fetchStream(b *testing.B, fake *mixpaneltest.Server, home, stream string) (took, cpu time.Duration, peak int64) {
	b.Helper()
	cmd := exec.Command(program("mp"), "fetch", stream, "--quiet")
	cmd.Env = []string{
		"HOME=" + home, "TMPDIR=" + b.TempDir(), "PATH=" + os.Getenv("PATH"),
		"MP_USERNAME=sa", "MP_SECRET=s3cret", "MP_PROJECT_ID=12345", "MIXDUCK_MIXPANEL_BASE_URL=" + fake.URL,
	}
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	took, cpu = time.Since(began), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss << 10
	}
	return took, cpu, peak
}
