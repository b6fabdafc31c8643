package bench_test

import (
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

// fetchProfiles runs mp, and returns how long it took, its CPU time, and its peak memory in bytes. The stand-in
// compresses the pages beforehand.
func fetchProfiles(b *testing.B, fake *mixpaneltest.Server, home string) (took, cpu time.Duration, peak int64) {
	b.Helper()
	if err := fake.PackProfiles(mixpaneltest.ProfileAsk{Project: 12345}); err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(program("mp"), "fetch", "profiles", "--quiet")
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
