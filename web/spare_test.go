package web_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"mixduck/internal/fault"
	"mixduck/web"
)

// after returns the address of the next port.
func after(tb testing.TB, address string) string {
	tb.Helper()
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(err)
	}
	return net.JoinHostPort(host, strconv.Itoa(port+1))
}

// If no address is set, a second worker serves its page at another port, and each is found by its directory.
func TestSparePorts(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	t.Cleanup(other.Close)
	taken := strings.TrimPrefix(other.URL, "http://")
	cfg := func(owner string) web.Config { return web.Config{Listen: taken, Spare: 20, Owner: owner} }
	first, second := serve(t, cfg("a")), serve(t, cfg("b"))
	if first.address() == taken || second.address() == first.address() {
		t.Fatalf("pages at %s and %s, with %s taken", first.address(), second.address(), taken)
	}
	first.health.Started()
	if err := web.Ask(t.Context(), cfg("a"), false); err != nil {
		t.Errorf("the first: %v", err)
	}
	if err := web.Ask(t.Context(), cfg("b"), true); err != nil {
		t.Errorf("the second lives: %v", err)
	}
	if err := web.Ask(t.Context(), cfg("b"), false); err == nil || !strings.Contains(err.Error(), second.address()) {
		t.Errorf("the second is not ready: %v", err)
	}
	serve(t, cfg("a")) // has not started
	if err := web.Ask(t.Context(), cfg("a"), false); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("one of two workers of a directory has not started: %v", err)
	}
	if err := web.Ask(t.Context(), cfg("c"), true); fault.CodeOf(err) != fault.CodeFailed || fault.HintOf(err) == "" {
		t.Errorf("a directory without a worker: %v", err)
	}
}

func TestNoSparePortIsFree(t *testing.T) {
	t.Parallel()
	taken := serve(t, web.Config{}).address()
	if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", after(t, taken)); err == nil { // or another process has it
		t.Cleanup(func() { _ = l.Close() })
	}
	p := serve(t, web.Config{Listen: taken, Spare: 1})
	if at := p.server.Addr(); at != nil {
		t.Errorf("the page is at %s", at)
	}
}
