package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// runForeign runs a program with a script of testdata/foreign, which prints ok at its end.
func runForeign(tb testing.TB, s *site, program string, args ...string) {
	tb.Helper()
	var problem strings.Builder
	cmd := exec.CommandContext(tb.Context(), program, args...)
	cmd.Env, cmd.Stderr = s.env, &problem
	if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		tb.Errorf("%s %q: %v\n%s%s", program, args, err, out, problem.String())
	}
}

// newFlightSite makes a site whose worker serves Flight SQL with a token, with events and 50 more tables.
func newFlightSite(tb testing.TB, token string) (s *site, address string) {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	address = l.Addr().String() // which is free after that
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	s = newSite(tb, embedded, newMixpanel(tb, 10))
	s.set("MIXDUCK_FLIGHT_LISTEN="+address, "MIXDUCK_FLIGHT_TOKEN="+token)
	s.startWorker(tb)
	s.fetch(tb, dates(tb, "2025-11-01", "2025-11-02"))
	var tables []string
	for i := range 50 {
		tables = append(tables, fmt.Sprintf("CREATE TABLE wide_%d (id INTEGER NOT NULL, price DECIMAL(10, 2), tags VARCHAR[], s STRUCT(a INTEGER))", i))
	}
	s.write(tb, defaultDatabase, strings.Join(tables, ";"))
	return s, address
}

func TestFlightSQLWithADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", "adbc-driver-flightsql==1.13.0", "adbc-driver-manager==1.13.0", "pyarrow")
	s, address := newFlightSite(t, "correct-horse")
	runForeign(t, s, program, "testdata/foreign/adbc_client.py", address, "correct-horse")
}

// jdbcDriver is the driver for Flight SQL at Maven's repository.
const jdbcDriver = "https://repo1.maven.org/maven2/org/apache/arrow/flight-sql-jdbc-driver/18.3.0/flight-sql-jdbc-driver-18.3.0.jar"

// driver returns the path of the driver, which is downloaded once for all runs.
func driver(tb testing.TB) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(cache, "mixduck-e2e", filepath.Base(jdbcDriver))
	if _, err := os.Stat(path); err == nil {
		return path
	}
	partial := filepath.Join(tb.TempDir(), "driver.jar")
	if out, err := exec.CommandContext(tb.Context(), "curl", "-sSf", "-o", partial, jdbcDriver).CombinedOutput(); err != nil {
		tb.Skipf("NOT TESTED: curl %s: %v\n%s", jdbcDriver, err, out)
	}
	b, err := os.ReadFile(partial)
	if err != nil {
		tb.Fatal(err)
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path+".new", b, 0o600), os.Rename(path+".new", path)); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestFlightSQLWithJDBC(t *testing.T) {
	t.Parallel()
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("NOT TESTED: java is not installed")
	}
	jar := driver(t)
	s, address := newFlightSite(t, "correct-horse")
	runForeign(t, s, java, "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", jar, "testdata/foreign/FlightJdbc.java", address, "correct-horse")
}

func TestMCPWithItsClient(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "mcp", "import mcp", "mcp==2.3.0")
	mp, err := exec.LookPath("mp") // of the programs that are tested
	if err != nil {
		t.Fatal(err)
	}
	s := newEmbeddedSite(t, 10)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	runForeign(t, s, program, "testdata/foreign/mcp_client.py", mp, "mcp", "--path", s.path(defaultDatabase))
	s.set("MIXDUCK_DATA_DIR=" + s.dir)
	runForeign(t, s, program, append([]string{"testdata/foreign/mcp_client.py", "/usr/bin/env"}, append(slices.Clone(s.env), mp, "mcp", "--allow-fetch")...)...)
}
