package workspace_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
	"mixduck/storage"
	"mixduck/workspace"
)

// january is what the examples fetch: its first days.
var january = workspace.FetchRequest{Table: "events", Days: day.Range{From: day.New(2025, 1, 1), To: day.New(2025, 1, 3)}}

func quiet(workspace.Progress) {}

// newWorkspace opens a workspace for a Mixpanel that the example itself serves, and returns the directory that it
// uses. It panics where a program would handle an error, as examples may.
func newWorkspace(db storage.Config) (ws *workspace.Workspace, dir string, end func()) {
	fake, err := mixpaneltest.New(mixpaneltest.Config{
		Projects: []mixpaneltest.Project{{
			ID: 12345, Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Generator{EventsPerDay: 10},
		}},
		Limits: mixpaneltest.Limits{Off: true},
	})
	must(err)
	server := httptest.NewServer(fake)
	client, err := mixpanel.New(mixpanel.Config{BaseURL: server.URL, Username: "sa", Secret: secret.New("s3cret")})
	must(err)
	dir, err = os.MkdirTemp("", "example-*")
	must(err)
	if db.Mode == storage.Persistent {
		db.Path = filepath.Join(dir, "my.db")
	}
	ws, err = workspace.New(workspace.Config{Project: workspace.Project{ID: 12345}, Database: db}, client, slog.New(slog.DiscardHandler))
	must(err)
	return ws, dir, func() {
		client.CloseIdleConnections()
		server.Close()
		must(os.RemoveAll(dir))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func count(ws *workspace.Workspace) int {
	n, err := countEvents(context.Background(), ws)
	must(err)
	return n
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Without a path, the database is that of the project, in ~/.mp/data.
func ExampleDefaultPath() {
	path, err := workspace.DefaultPath(12345)
	must(err)
	fmt.Println(filepath.Base(filepath.Dir(path)), filepath.Base(path))
	// Output: data 12345.db
}

// A persistent database stays at its path.
func ExampleNew_customPath() {
	ws, dir, end := newWorkspace(storage.Config{})
	defer end()
	defer ws.Close()
	_, err := ws.FetchEvents(context.Background(), january, quiet)
	must(err)
	must(ws.Close())
	fmt.Println(exists(filepath.Join(dir, "my.db")))
	// Output: true
}

// An ephemeral database is a file that Close removes.
func ExampleNew_ephemeral() {
	ws, _, end := newWorkspace(storage.Config{Mode: storage.Ephemeral})
	defer end()
	defer ws.Close()
	_, err := ws.FetchEvents(context.Background(), january, quiet)
	must(err)
	fmt.Println(count(ws))
	// Output: 30
}

// A database in memory has no file at all.
func ExampleNew_inMemory() {
	ws, _, end := newWorkspace(storage.Config{Mode: storage.InMemory})
	defer end()
	defer ws.Close()
	_, err := ws.FetchEvents(context.Background(), january, quiet)
	must(err)
	fmt.Println(count(ws))
	// Output: 30
}

// Opening a workspace and querying Mixpanel open no database; the first fetch or query does.
func ExampleWorkspace_lazy() {
	ws, dir, end := newWorkspace(storage.Config{})
	defer end()
	defer ws.Close()
	ctx, path := context.Background(), filepath.Join(dir, "my.db")

	_, err := ws.Events(ctx) // queries Mixpanel
	must(err)
	_, err = ws.Segmentation(ctx, mixpanel.SegmentationRequest{Event: "Page Viewed", Days: january.Days}) // queries Mixpanel
	must(err)
	_, err = ws.Funnels(ctx) // queries Mixpanel
	must(err)
	fmt.Println("opened:", exists(path))

	_, err = ws.FetchEvents(ctx, january, quiet) // writes to the database
	must(err)
	_ = count(ws) // reads from it
	tables, err := ws.Tables(ctx)
	must(err)
	fmt.Println("opened:", exists(path), tables[0].Name, tables[0].Rows)
	// Output:
	// opened: false
	// opened: true events 30
}

// A deferred Close lets other processes in when the function ends, in any way.
func ExampleWorkspace_Close() {
	ws, _, end := newWorkspace(storage.Config{})
	defer end()
	func() {
		defer ws.Close()
		_, err := ws.FetchEvents(context.Background(), january, quiet)
		must(err)
		fmt.Println(count(ws))
	}()
	_, err := ws.Tables(context.Background())
	fmt.Println(err)
	// Output:
	// 30
	// the workspace is closed
}

// A read-only workspace shares the file with other readers, and cannot change it.
func ExampleNew_readOnly() {
	ws, dir, end := newWorkspace(storage.Config{})
	defer end()
	_, err := ws.FetchEvents(context.Background(), january, quiet)
	must(err)
	must(ws.Close())

	reader, err := storage.Open(context.Background(), storage.Config{Path: filepath.Join(dir, "my.db"), ReadOnly: true})
	must(err)
	defer reader.Close()
	tables, err := reader.Tables(context.Background())
	must(err)
	fmt.Println(tables[0].Rows, reader.Drop(context.Background(), "events", 0))
	// Output: 30 the database is open read-only
}
