package mixpanel_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"mixduck/internal/day"
	"mixduck/internal/secret"
	"mixduck/mixpanel"
)

const (
	testUser   = "ann.12ab34.mp-service-account"
	testSecret = "s3cretS3cretS3cretS3cretS3cret12"
)

// newClient returns a client of the server at url, or of the region if url is "".
func newClient(tb testing.TB, cfg mixpanel.Config) *mixpanel.Client {
	tb.Helper()
	cfg.Username, cfg.Secret = testUser, secret.New(testSecret)
	c, err := mixpanel.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.CloseIdleConnections)
	return c
}

// serve starts a server on the loopback interface and returns its client.
func serve(tb testing.TB, h http.HandlerFunc) *mixpanel.Client {
	tb.Helper()
	srv := httptest.NewServer(h)
	tb.Cleanup(srv.Close)
	return newClient(tb, mixpanel.Config{BaseURL: srv.URL})
}

// october is a request for the first week of October 2026.
func october() mixpanel.ExportRequest {
	return mixpanel.ExportRequest{Project: 12345, Days: day.Range{From: day.New(2026, 10, 1), To: day.New(2026, 10, 7)}}
}

// wantError fails the test unless err is an *Error with that action and reason, and returns it.
func wantError(tb testing.TB, err error, action mixpanel.Action, reason mixpanel.Reason) *mixpanel.Error {
	tb.Helper()
	e, ok := errors.AsType[*mixpanel.Error](err)
	if !ok {
		tb.Fatalf("error = %T %v, want a *mixpanel.Error", err, err)
	}
	if e.Action != action || e.Reason != reason {
		tb.Fatalf("error = %v: %s because of %s, want %s because of %s", e, e.Action, e.Reason, action, reason)
	}
	return e
}

// pipeNet is a network inside the process, for tests in a synctest bubble.
type pipeNet struct {
	conns  chan net.Conn
	closed chan struct{}
}

// serveFake is [serve] without a network and with the bubble's clock. The returned function stops the server, and must
// be called before the bubble ends.
func serveFake(tb testing.TB, cfg mixpanel.Config, h http.HandlerFunc) (c *mixpanel.Client, stop func()) {
	tb.Helper()
	n := &pipeNet{conns: make(chan net.Conn), closed: make(chan struct{})}
	srv := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(n)
	}()
	cfg.BaseURL = "http://fake"
	c = newClient(tb, cfg)
	c.Transport().DialContext = n.dial
	return c, func() {
		c.CloseIdleConnections()
		_ = srv.Close()
		<-done
	}
}

func (n *pipeNet) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *pipeNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *pipeNet) Close() error {
	close(n.closed)
	return nil
}

func (*pipeNet) Addr() net.Addr { return &net.UnixAddr{Name: "fake", Net: "pipe"} }
