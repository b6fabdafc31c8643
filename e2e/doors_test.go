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

	"mixduck/internal/proctest"
	"mixduck/mixpanel/mixpaneltest"
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

// flightSite makes a site whose worker will serve Flight SQL at an address of host; clients on this machine use address.
func flightSite(tb testing.TB, m *mixpaneltest.Server, host string) (s *site, address string) {
	tb.Helper()
	port := proctest.FreePort(tb)
	s = newSite(tb, embedded, m)
	s.set("MIXDUCK_FLIGHT_LISTEN=" + net.JoinHostPort(host, port))
	return s, net.JoinHostPort("127.0.0.1", port)
}

// newFlightSite makes a site whose worker serves Flight SQL with a token if it is not empty, with events and 50 more tables.
func newFlightSite(tb testing.TB, token string) (s *site, address string, worker *proctest.Process) {
	tb.Helper()
	s, address = flightSite(tb, newMixpanel(tb, 10), "127.0.0.1")
	if token != "" {
		s.set("MIXDUCK_FLIGHT_TOKEN=" + token)
	}
	worker = s.startWorker(tb)
	s.fetch(tb, dates(tb, "2025-11-01", "2025-11-02"))
	var tables []string
	for i := range 50 {
		tables = append(tables, fmt.Sprintf("CREATE TABLE wide_%d (id INTEGER NOT NULL, price DECIMAL(10, 2), tags VARCHAR[], s STRUCT(a INTEGER))", i))
	}
	s.write(tb, defaultDatabase, strings.Join(tables, ";"))
	return s, address, worker
}

var adbcPackages = []string{"adbc-driver-flightsql==1.13.0", "adbc-driver-manager==1.13.0", "pyarrow"}

func TestFlightSQLWithADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	s, address, worker := newFlightSite(t, "correct-horse")
	rows := "3000000"
	if proctest.Soak() {
		rows = "10000000" // 400 MB; 3M are 120 MB
	}
	runForeign(t, s, program, "testdata/foreign/adbc_client.py", address, "correct-horse", rows)
	if mb := worker.PeakMemory(t) / 1e6; mb > 200 && !proctest.Race {
		t.Errorf("the worker needed %d MB for a result of %s rows, want at most 200 MB", mb, rows)
	}
}

// Where other machines can connect, a worker needs a token and a certificate, and clients have to use them.
func TestFlightSQLWithTLS(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	const token = "correct-horse"
	s, address := flightSite(t, newMixpanel(t, 10), "0.0.0.0")
	certificate, key := newCertificate(t)
	for _, set := range []string{"", "MIXDUCK_FLIGHT_TOKEN=" + token} {
		if set != "" {
			s.set(set)
		}
		r := command(t, s.env, "worker", append([]string{"run"}, s.where()...)...)
		r.mustFail(t, 3, "flight.listen: other machines can reach", "no certificate")
	}
	s.set("MIXDUCK_FLIGHT_CERT_FILE=" + certificate)
	s.set("MIXDUCK_FLIGHT_KEY_FILE=" + key)
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	runForeign(t, s, program, "testdata/foreign/tls_client.py", address, token, certificate)
}

// queryForever runs queries over Flight SQL for each line that it reads, and says which days there are, with their events.
const queryForever = `
import adbc_driver_flightsql.dbapi as flight, json, sys
con = flight.connect("grpc://" + sys.argv[1], autocommit=True)
for line in sys.stdin:
    days, errors = [], []
    for n in range(int(line)):
        try:
            with con.cursor() as cur:
                cur.execute("SELECT day::VARCHAR, count(*) FROM events GROUP BY ALL ORDER BY ALL")
                got = cur.fetchall()
                if got not in days:
                    days.append(got)
        except Exception as e:
            errors.append(str(e))
    print(json.dumps({"days": days, "errors": errors}), flush=True)
`

// While fetches load one window after another, queries over Flight SQL see committed days only. Neither side gets a lock
// error.
func TestFlightSQLDuringAFetch(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", adbcPackages...)
	s, address := flightSite(t, newMixpanel(t, 200), "127.0.0.1")
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-10-01", "2025-10-01"))
	jobs := s.readDuringFetches(t, startReader(t, program, queryForever, address), 10, 20)
	for _, id := range jobs {
		if j := s.wait(t, id); j.Attempts != 1 || j.State != "done" {
			t.Errorf("job %s is %s after %d attempts", id, j.State, j.Attempts)
		}
	}
	days := meanwhile(t)
	days.From-- // fetched before
	s.checkEvents(t, days)
}

// The drivers from Maven.
const (
	flightDriver = "org.apache.arrow:flight-sql-jdbc-driver:18.3.0"
	duckDriver   = "org.duckdb:duckdb_jdbc:1.5.0.0"
)

// driver returns the path of a driver, which Maven downloads once for all runs.
func driver(tb testing.TB, coordinates string) string {
	tb.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		tb.Fatal(err)
	}
	_, name, _ := strings.Cut(coordinates, ":")
	name = strings.ReplaceAll(name, ":", "-") + ".jar"
	path := filepath.Join(cache, "mixduck-e2e", name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	dir := tb.TempDir()
	maven := exec.CommandContext(tb.Context(), "mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
		"-Dartifact="+coordinates, "-DoutputDirectory="+dir)
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

// java returns the path of Java, or skips the test.
func java(tb testing.TB) string {
	tb.Helper()
	path, err := exec.LookPath("java")
	if err != nil {
		tb.Skip("NOT TESTED: java is not installed")
	}
	return path
}

func TestFlightSQLWithJDBC(t *testing.T) {
	t.Parallel()
	program, jar := java(t), driver(t, flightDriver)
	s, address, _ := newFlightSite(t, "correct-horse")
	runForeign(t, s, program, "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", jar, "testdata/foreign/FlightJdbc.java", address, "correct-horse")
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
