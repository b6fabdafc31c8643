package flight

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	_ "github.com/duckdb/duckdb-go/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"mixduck/internal/secret"
	"mixduck/storage"
	"mixduck/storage/query"
)

const childArg = "query-child"

// TestMain makes the test's binary the process of a query, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		os.Exit(query.Child(context.Background(), os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// ended counts queries that have ended, by outcome.
type ended struct {
	mu      sync.Mutex
	changed *sync.Cond
	all     map[string]int
}

func newEnded() *ended {
	e := &ended{all: map[string]int{}}
	e.changed = sync.NewCond(&e.mu)
	return e
}

func (*ended) FlightQueries(int, int) {}

func (e *ended) FlightQueryEnded(outcome string, _ time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all[outcome]++
	e.changed.Broadcast()
}

// wait waits for a query with this outcome. It fails if there is another one first.
func (e *ended) wait(tb testing.TB, outcome string) {
	tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.all) == 0 {
		e.changed.Wait()
	}
	if e.all[outcome] == 0 {
		tb.Fatalf("outcomes are %v, want %s", e.all, outcome)
	}
	delete(e.all, outcome)
}

func (e *ended) count(outcome string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all[outcome]
}

// fixture is a server with databases, and a client of it.
type fixture struct {
	*flightsql.Client
	server *Server
	dir    string
	ended  *ended
}

// serve starts a server of databases with these names, each of which has the tables that statements make.
func serve(tb testing.TB, cfg Config, statements []string, names ...string) *fixture {
	tb.Helper()
	f := &fixture{dir: tb.TempDir(), ended: newEnded()}
	var all []Database
	for _, name := range names {
		path := filepath.Join(f.dir, filepath.Base(name))
		makeDatabase(tb, path, statements)
		all = append(all, Database{Name: name, Path: path, Project: "of-" + stem(name)})
	}
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cfg.Listen, cfg.Launcher, cfg.Dir = "127.0.0.1:0", query.Launcher{Exe: exe, Args: []string{childArg}}, tb.TempDir()
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 2
	}
	f.server, err = Serve(tb.Context(), cfg, func(context.Context) ([]Database, error) { return all, nil }, f.ended, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.server.Close)
	f.Client, err = flightsql.NewClient(f.server.Addr().String(), nil, nil, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = f.Close() })
	return f
}

// makeDatabase makes a file as another program would.
func makeDatabase(tb testing.TB, path string, statements []string) {
	tb.Helper()
	e, err := storage.Open(tb.Context(), storage.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	if err := e.Close(); err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(tb.Context(), s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}

// read runs a statement and returns its rows as JSON.
func (f *fixture) read(ctx context.Context, statement string) (string, error) {
	info, err := f.Execute(ctx, statement)
	if err != nil {
		return "", err
	}
	return f.fetch(ctx, info.Endpoint[0].Ticket)
}

var testToken = secret.New("correct horse")

func headerOf(md *metadata.MD) grpc.CallOption { return grpc.Header(md) }
