package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
)

// runForeign runs a script of testdata/foreign, which prints ok at its end.
func runForeign(tb testing.TB, s *site, program, script string, args ...string) {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), program, append([]string{"testdata/foreign/" + script}, args...)...)
	cmd.Env = s.env
	var problem strings.Builder
	cmd.Stderr = &problem
	if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "ok" {
		tb.Errorf("%s: %v\n%s%s", script, err, out, problem.String())
	}
}

func TestFlightSQLWithADBC(t *testing.T) {
	t.Parallel()
	program := pythonWith(t, "adbc", "import adbc_driver_flightsql, pyarrow", "adbc-driver-flightsql==1.13.0", "adbc-driver-manager==1.13.0", "pyarrow")
	s := newSite(t, embedded, newMixpanel(t, 10))
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String() // which is free after that
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.set("MIXDUCK_FLIGHT_LISTEN="+address, "MIXDUCK_FLIGHT_TOKEN=correct-horse")
	s.startWorker(t)
	s.fetch(t, dates(t, "2025-11-01", "2025-11-02"))
	var tables []string
	for i := range 50 {
		tables = append(tables, fmt.Sprintf("CREATE TABLE wide_%d (id INTEGER NOT NULL, price DECIMAL(10, 2), tags VARCHAR[], s STRUCT(a INTEGER))", i))
	}
	s.write(t, defaultDatabase, strings.Join(tables, ";"))
	runForeign(t, s, program, "adbc_client.py", address, "correct-horse")
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
	runForeign(t, s, program, "mcp_client.py", mp, "mcp", "--path", s.path(defaultDatabase))
}
