package mixpaneltest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// TB is the part of a [testing.TB] that [Start] uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start runs a server for cfg on a free port of 127.0.0.1 until the test ends. It fails the test if that is not
// possible.
func Start(tb TB, cfg Config) *Server {
	tb.Helper()
	s, err := New(cfg)
	if err != nil {
		tb.Fatalf("mixpaneltest: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped, err := s.listen(ctx, "127.0.0.1:0", s)
	if err != nil {
		cancel()
		tb.Fatalf("mixpaneltest: %v", err)
	}
	tb.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			tb.Fatalf("mixpaneltest: %v", err)
		}
	})
	return s
}

// Listen serves s on address until ctx is done, with its controls if controls is set. It calls ready with the base URL
// as soon as connections are accepted.
func (s *Server) Listen(ctx context.Context, address string, controls bool, ready func(url string)) error {
	var handler http.Handler = s
	if controls {
		handler = s.Controls()
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopped, err := s.listen(ctx, address, handler)
	if err != nil {
		return err
	}
	ready(s.URL)
	return <-stopped
}

// listen starts to serve and sets s.URL. When ctx is done it ends all requests, and then sends the outcome to the
// channel.
func (s *Server) listen(ctx context.Context, address string, handler http.Handler) (<-chan error, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + listener.Addr().String()
	var open sync.WaitGroup
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ConnState: countConnections(&open)}
	served, stopped := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() {
		select {
		case err := <-served:
			s.Close()
			open.Wait()
			stopped <- err
		case <-ctx.Done():
			s.Close()
			err := server.Close()
			if end := <-served; !errors.Is(end, http.ErrServerClosed) {
				err = errors.Join(err, end)
			}
			open.Wait()
			stopped <- err
		}
	}()
	return stopped, nil
}

// countConnections makes open count the connections with running goroutines.
func countConnections(open *sync.WaitGroup) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		default:
		}
	}
}
