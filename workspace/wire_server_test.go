package workspace_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"mixduck/internal/secret"
	"mixduck/mixpanel"
	"mixduck/storage"
	"mixduck/workspace"
)

// trustTestServers makes this process trust the certificate of httptest's servers.
func trustTestServers() (remove func(), err error) {
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	file, err := os.CreateTemp("", "mixduck-test-*.pem")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.Remove(file.Name()) }
	if err := pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}); err != nil {
		return remove, err
	}
	if err := file.Close(); err != nil {
		return remove, err
	}
	return remove, os.Setenv("SSL_CERT_FILE", file.Name())
}

// How a body can mark its end. An HTTP/1.0 body does not.
const (
	byLength  = "Content-Length"
	byChunks  = "chunks"
	byClosing = "HTTP/1.0"
	byStream  = "HTTP/2"
)

// wired is a response in its encoded form.
type wired struct {
	framing string
	gzip    bool
	body    []byte
	cut     int // bytes of the response, including framing, after which the connection closes; 0 means never
}

// raw returns the response in HTTP/1 form.
func (a wired) raw() []byte {
	var b bytes.Buffer
	version := "1.1"
	if a.framing == byClosing {
		version = "1.0"
	}
	fmt.Fprintf(&b, "HTTP/%s 200 OK\r\n", version)
	if a.gzip {
		b.WriteString("Content-Encoding: gzip\r\n")
	}
	switch a.framing {
	case byLength:
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(a.body))
	case byChunks:
		b.WriteString("Transfer-Encoding: chunked\r\n\r\n")
		for rest := a.body; len(rest) > 0; {
			n := min(len(rest), 97)
			fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
			rest = rest[n:]
		}
		b.WriteString("0\r\n\r\n")
		return b.Bytes()
	default:
		b.WriteString("\r\n")
	}
	b.Write(a.body)
	return b.Bytes()
}

// wireServer sends each project its stored response.
type wireServer struct {
	tb      testing.TB
	plain   *mixpanel.Client
	http2   *mixpanel.Client
	answers sync.Map // of wired, by project
	last    atomic.Int64
}

func newWireServer(tb testing.TB) *wireServer {
	tb.Helper()
	s := &wireServer{tb: tb}
	s.plain = s.start(httptest.NewUnstartedServer(http.HandlerFunc(s.answer)), (*httptest.Server).Start)
	h2 := httptest.NewUnstartedServer(http.HandlerFunc(s.answer2))
	h2.EnableHTTP2 = true
	s.http2 = s.start(h2, (*httptest.Server).StartTLS)
	return s
}

func (s *wireServer) start(srv *httptest.Server, start func(*httptest.Server)) *mixpanel.Client {
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	start(srv)
	s.tb.Cleanup(srv.Close)
	c, err := mixpanel.New(mixpanel.Config{
		BaseURL: srv.URL, Username: "sa", Secret: secret.New("s3cret"), FirstByteTimeout: patience, IdleTimeout: patience,
	})
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(c.CloseIdleConnections)
	return c
}

func (s *wireServer) kept(r *http.Request) wired {
	project, _ := strconv.ParseInt(r.URL.Query().Get("project_id"), 10, 64)
	a, _ := s.answers.Load(project)
	kept, ok := a.(wired)
	if !ok {
		s.tb.Errorf("no answer is kept for %s", r.URL)
	}
	return kept
}

func (s *wireServer) answer(w http.ResponseWriter, r *http.Request) {
	raw, cut := s.kept(r).raw(), s.kept(r).cut
	if cut > 0 {
		raw = raw[:cut]
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.tb.Error(err)
		return
	}
	defer conn.Close()
	_, _ = conn.Write(raw)
}

func (s *wireServer) answer2(w http.ResponseWriter, r *http.Request) {
	a := s.kept(r)
	if r.ProtoMajor != 2 {
		s.tb.Errorf("protocol %s, want HTTP/2", r.Proto)
	}
	if a.gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	rest := a.body
	if a.cut > 0 {
		rest = rest[:a.cut]
	}
	for len(rest) > 0 {
		n := min(len(rest), 97)
		_, _ = w.Write(rest[:n])
		_ = http.NewResponseController(w).Flush()
		rest = rest[n:]
	}
	if a.cut > 0 {
		panic(http.ErrAbortHandler) // resets the stream
	}
}

// tamperer is a source of one response at a time.
type tamperer struct {
	*mixpanel.Client
	server *wireServer
	now    wired
}

// Export requests the current response. Each request is for a different project, because those for the same one are
// spaced.
func (t *tamperer) Export(ctx context.Context, r mixpanel.ExportRequest) (*mixpanel.Body, error) {
	r.Project = t.server.last.Add(1)
	t.server.answers.Store(r.Project, t.now)
	client := t.server.plain
	if t.now.framing == byStream {
		client = t.server.http2
	}
	return client.Export(ctx, r)
}

// workspace returns a workspace that reads from source, and the path of its database.
func (s *wireServer) workspace(tb testing.TB) (ws *workspace.Workspace, source *tamperer, path string) {
	tb.Helper()
	dir := tb.TempDir()
	source, path = &tamperer{Client: s.plain, server: s}, filepath.Join(dir, "12345.db")
	ws, err := workspace.New(workspace.Config{
		Project:  workspace.Project{ID: projectID},
		Database: storage.Config{Path: path, LockWait: patience},
		SpoolDir: filepath.Join(dir, "spool"), OpenPerLoad: true, WindowTries: 1, RetryDelay: time.Millisecond,
		Now: func() time.Time { return now },
	}, source, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return ws, source, path
}

// zip compresses texts, each as a gzip member.
func zip(tb testing.TB, texts ...string) (members [][]byte) {
	tb.Helper()
	for _, text := range texts {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		if _, err := zw.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
		if err := zw.Close(); err != nil {
			tb.Fatal(err)
		}
		members = append(members, b.Bytes())
	}
	return members
}
