package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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

// newFlightSite makes a site whose worker serves Flight SQL with a token if it is not empty, with events and 50 more tables.
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
	s.set("MIXDUCK_FLIGHT_LISTEN=" + address)
	if token != "" {
		s.set("MIXDUCK_FLIGHT_TOKEN=" + token)
	}
	s.startWorker(tb)
	s.fetch(tb, dates(tb, "2025-11-01", "2025-11-02"))
	var tables []string
	for i := range 50 {
		tables = append(tables, fmt.Sprintf("CREATE TABLE wide_%d (id INTEGER NOT NULL, price DECIMAL(10, 2), tags VARCHAR[], s STRUCT(a INTEGER))", i))
	}
	s.write(tb, defaultDatabase, strings.Join(tables, ";"))
	return s, address
}

var adbcPackages = []string{"adbc-driver-flightsql==1.13.0", "adbc-driver-manager==1.13.0", "pyarrow"}

func TestFlightSQLWithADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	s, address := newFlightSite(t, "correct-horse")
	runForeign(t, s, program, "testdata/foreign/adbc_client.py", address, "correct-horse")
}

// Maven's coordinates of the JDBC driver for Flight SQL.
const (
	jdbcDriver        = "flight-sql-jdbc-driver"
	jdbcDriverVersion = "18.3.0"
)

// driver returns the path of the driver, which Maven downloads once for all runs.
func driver(tb testing.TB) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	name := jdbcDriver + "-" + jdbcDriverVersion + ".jar"
	path := filepath.Join(cache, "mixduck-e2e", name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	dir := tb.TempDir()
	maven := exec.CommandContext(tb.Context(), "mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
		"-Dartifact=org.apache.arrow:"+jdbcDriver+":"+jdbcDriverVersion, "-DoutputDirectory="+dir)
	if out, err := maven.CombinedOutput(); err != nil {
		tb.Skipf("NOT TESTED: %s: %v\n%s", strings.Join(maven.Args, " "), err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
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
	s.waitForSnapshot(t, s.fetch(t, dates(t, "2025-11-01", "2025-11-02")).ID)
	s.set("MIXDUCK_DATA_DIR=" + s.dir)
	for _, args := range [][]string{{"mcp", "--path", s.path(defaultDatabase)}, {"mcp", "--allow-fetch"}} {
		server := append(append([]string{"/usr/bin/env"}, s.env...), append([]string{mp}, args...)...)
		runForeign(t, s, program, append([]string{"testdata/foreign/mcp_client.py"}, server...)...)
	}
}
