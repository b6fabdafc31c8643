package flight

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"mixduck/storage"
)

func (f *fixture) fetch(ctx context.Context, ticket *flight.Ticket) (string, error) {
	r, err := f.DoGet(ctx, ticket)
	if err != nil {
		return "", err
	}
	defer r.Release()
	var b strings.Builder
	for r.Next() {
		rows, err := r.RecordBatch().MarshalJSON()
		if err != nil {
			return "", err
		}
		b.Write(rows)
	}
	return b.String(), r.Err()
}

func TestQueries(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, []string{"CREATE TABLE big AS SELECT range AS n FROM range(10000)"}, "main/a.db")
	for _, tt := range []struct {
		name, sql, want string
		code            codes.Code
	}{
		{"a row", "SELECT 42 AS a, NULL AS b", `[{"a":42,"b":null}` + "\n]", codes.OK},
		{"no row", "SELECT n FROM big WHERE false", "", codes.OK},
		{"with the catalog in the name", `SELECT count(*) AS n FROM "a"."main"."big"`, `[{"n":10000}` + "\n]", codes.OK},
		{"a plan", "EXPLAIN SELECT 1", "", codes.OK},
		{"an error in the statement", "SELEKT", "", codes.InvalidArgument},
		{"an error of a later row", "SELECT 1 / CAST(if(n = 9000, 'x', '1') AS INTEGER) FROM big", "", codes.InvalidArgument},
		{"a write", "DROP TABLE big", "", codes.InvalidArgument},
		{"a file", "SELECT * FROM read_csv('/etc/passwd')", "", codes.InvalidArgument},
	} {
		got, err := f.read(t.Context(), tt.sql)
		if status.Code(err) != tt.code {
			t.Errorf("%s: error = %v, want %s", tt.name, err, tt.code)
		}
		if tt.want != "" && got != tt.want {
			t.Errorf("%s: rows = %q, want %q", tt.name, got, tt.want)
		}
	}
	if f.ended.count("done") != 4 {
		t.Errorf("%d queries are counted as done, want 4", f.ended.count("done"))
	}
}

func TestManyAndLongRowsArriveInSmallMessages(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db")
	info, err := f.Execute(t.Context(), "SELECT range AS n, repeat('x', 20000) AS long FROM range(5000)") // 40 MB a chunk, clients take 16
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.DoGet(t.Context(), info.Endpoint[0].Ticket)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	rows := int64(0)
	for r.Next() {
		batch := r.RecordBatch()
		if n := batch.NumRows(); n > 300 {
			t.Fatalf("a batch has %d rows", n)
		}
		if first := batch.Column(0).ValueStr(0); first != strconv.FormatInt(rows, 10) {
			t.Fatalf("row %d is %s", rows, first)
		}
		rows += batch.NumRows()
	}
	if rows != 5000 || r.Err() != nil {
		t.Errorf("%d rows, %v", rows, r.Err())
	}
}

// A client that does not read keeps nobody from writing.
func TestASlowReaderHoldsNoLock(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db")
	info, err := f.Execute(t.Context(), "SELECT range AS n, range AS m FROM range(2000000)")
	if err != nil {
		t.Fatal(err)
	}
	e, err := storage.Open(t.Context(), storage.Config{Path: f.dir + "/a.db", LockWait: time.Minute})
	if err != nil {
		t.Fatalf("write while a result waits: %v", err)
	}
	defer e.Close()
	got, err := f.fetch(t.Context(), info.Endpoint[0].Ticket)
	if err != nil || !strings.Contains(got, `{"m":1999999,"n":1999999}`) {
		t.Errorf("the result ends with %.50q, %v", got[max(0, len(got)-50):], err)
	}
	if _, err := f.fetch(t.Context(), info.Endpoint[0].Ticket); status.Code(err) != codes.NotFound {
		t.Errorf("the second read: %v, want that it was read already", err)
	}
	if left, err := os.ReadDir(f.server.cfg.Dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

const endless = "SELECT sum(a.range * b.range) FROM range(1000000) AS a, range(1000000) AS b"

func TestCancel(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Concurrency: 1}, nil, "main/a.db")
	info, err := f.Execute(t.Context(), endless)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := f.DoGet(ctx, info.Endpoint[0].Ticket) // which has read the schema
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if r.Next() || status.Code(r.Err()) != codes.Canceled {
		t.Errorf("error = %v", r.Err())
	}
	r.Release()
	again, err := f.Execute(t.Context(), endless) // which has the only slot
	if err != nil {
		t.Fatal(err)
	}
	if res, err := f.CancelFlightInfo(t.Context(), &flight.CancelFlightInfoRequest{Info: again}); err != nil || res.Status != flight.CancelStatusCancelled {
		t.Errorf("cancel by a request: %v, %v", res, err)
	}
	if _, err := f.read(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("after that: %v", err)
	}
	if f.ended.count("cancelled") != 2 {
		t.Errorf("%d queries are counted as cancelled, want 2", f.ended.count("cancelled"))
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Timeout: 300 * time.Millisecond}, nil, "main/a.db")
	if _, err := f.read(t.Context(), endless); status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "query.timeout") {
		t.Errorf("error = %v", err)
	}
}

func TestChoosingADatabase(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, []string{"CREATE TABLE t (x INTEGER)"}, "main/a.db", "main/b.db", "eu/c.db")
	if _, err := f.read(t.Context(), "SELECT 1"); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "a, b, c") {
		t.Errorf("without a choice: %v", err)
	}
	for _, name := range []string{"b", "main/b.db", "b.db", "of-b"} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "database", name)
		if got, err := f.read(ctx, "SELECT current_database() AS d"); !strings.Contains(got, `"b"`) || err != nil {
			t.Errorf("database %s: %s, %v", name, got, err)
		}
	}
	for _, name := range []string{"z", "c.db", "../a", "main/b"} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "database", name)
		if _, err := f.read(ctx, "SELECT 1"); status.Code(err) != codes.NotFound {
			t.Errorf("database %s: %v", name, err)
		}
	}
}

func TestTheSessionIsACookie(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db", "main/ü b.db")
	value, err := flight.NewSessionOptionValue("ü b")
	if err != nil {
		t.Fatal(err)
	}
	var header metadata.MD
	other, err := flight.NewSessionOptionValue("x")
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.SetSessionOptions(t.Context(), &flight.SetSessionOptionsRequest{
		SessionOptions: map[string]*flight.SessionOptionValue{"catalog": &value, "schema": &other},
	}, headerOf(&header))
	if err != nil || res.Errors["schema"].GetValue() != flight.SetSessionOptionsResultErrorInvalidName || len(res.Errors) != 1 {
		t.Fatalf("%v, %v", res, err)
	}
	cookie, _, _ := strings.Cut(header.Get("set-cookie")[0], ";")
	ctx := metadata.AppendToOutgoingContext(t.Context(), "cookie", cookie)
	if got, err := f.read(ctx, "SELECT current_database() AS d"); !strings.Contains(got, "ü b") {
		t.Errorf("rows = %s, %v", got, err)
	}
	bad := metadata.AppendToOutgoingContext(t.Context(), "cookie", "mixduck_catalog=%zz; =")
	if _, err := f.read(bad, "SELECT 1"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("with a cookie that is none: %v", err)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Token: testToken}, nil, "main/a.db")
	for header, want := range map[string]codes.Code{
		"":                               codes.Unauthenticated,
		"Bearer wrong":                   codes.Unauthenticated,
		"Bearer ":                        codes.Unauthenticated,
		"correct horse":                  codes.Unauthenticated,
		"Basic bWU6d3Jvbmc=":             codes.Unauthenticated, // me:wrong
		"Basic !":                        codes.Unauthenticated,
		"Bearer correct horse":           codes.OK,
		"bearer correct horse":           codes.OK,
		"Basic bWU6Y29ycmVjdCBob3JzZQ==": codes.OK, // me:correct horse
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", header)
		_, err := f.read(ctx, "SELECT 1")
		if status.Code(err) != want {
			t.Errorf("%q: %v, want %s", header, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "correct") {
			t.Errorf("%q: the error says the token: %v", header, err)
		}
		if _, err := f.GetCatalogs(ctx); status.Code(err) != want {
			t.Errorf("%q: catalogs: %v, want %s", header, err, want)
		}
	}
}

func TestWrites(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{}, nil, "main/a.db")
	if _, err := f.ExecuteUpdate(t.Context(), "DELETE FROM mixduck.tables"); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "only reads") {
		t.Errorf("update: %v", err)
	}
	if _, err := f.BeginTransaction(t.Context()); status.Code(err) != codes.Unimplemented {
		t.Errorf("transaction: %v", err)
	}
	if _, err := f.Prepare(t.Context(), "CREATE TABLE x (y INTEGER)"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("prepared: %v", err)
	}
}

func TestRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"off", Config{}, ""},
		{"loopback", Config{Listen: "127.0.0.1:0"}, ""},
		{"all addresses", Config{Listen: ":6494"}, "flight.token is not set"},
		{"without TLS", Config{Listen: "0.0.0.0:6494", Token: testToken}, "no certificate"},
		{"a certificate alone", Config{Listen: "127.0.0.1:0", CertFile: "x.pem"}, "belong together"},
		{"a certificate that is missing", Config{Listen: "127.0.0.1:0", CertFile: "x.pem", KeyFile: "x.key"}, "flight.cert_file"},
	} {
		err := tt.cfg.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: error = %v, want %q", tt.name, err, tt.want)
		}
	}
}

func TestAsksForManyResults(t *testing.T) {
	t.Parallel()
	f := serve(t, Config{Concurrency: 4}, nil, "main/a.db")
	errs := make(chan error, 20)
	for i := range cap(errs) {
		go func() {
			got, err := f.read(t.Context(), fmt.Sprintf("SELECT %d AS n, count(*) AS c FROM range(100000)", i))
			if want := fmt.Sprintf(`{"c":100000,"n":%d}`, i); err == nil && !strings.Contains(got, want) {
				err = fmt.Errorf("got %s, want %s", got, want)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}
