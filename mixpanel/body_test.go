package mixpanel_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"mixduck/mixpanel"
)

// raw sends the given bytes and closes the connection, with a reset if reset is set.
func raw(tb testing.TB, answer string, reset bool) http.HandlerFunc {
	tb.Helper()
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			tb.Error(err)
			return
		}
		defer conn.Close()
		send(tb, buf, strings.ReplaceAll(answer, "\n", "\r\n"))
		if reset {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
	}
}

func send(tb testing.TB, buf *bufio.ReadWriter, answer string) {
	tb.Helper()
	_, _ = buf.WriteString(answer)
	if err := buf.Flush(); err != nil {
		tb.Error(err)
	}
}

func TestBodyEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer string
		want   string
		reason mixpanel.Reason // "" means a proper end
	}{
		{"by its length", "HTTP/1.1 200 OK\nContent-Length: 4\n\nab\n", "ab\r\n", ""},
		{"by its last chunk", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n", "ab", ""},
		{"before its length", "HTTP/1.1 200 OK\nContent-Length: 400\n\nab", "ab", mixpanel.ReasonTruncated},
		{"before its last chunk", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n", "ab", mixpanel.ReasonTruncated},
		{"within a chunk", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n20\nab", "ab", mixpanel.ReasonTruncated},
		{"in a broken chunk", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\nzz\n", "ab", mixpanel.ReasonNetwork},
		{"unprovably", "HTTP/1.1 200 OK\nConnection: close\n\nab", "ab", mixpanel.ReasonTruncated},
		{"unprovably, in HTTP/1.0", "HTTP/1.0 200 OK\n\nab", "ab", mixpanel.ReasonTruncated},
		{"unprovably and empty", "HTTP/1.1 200 OK\nConnection: close\n\n", "", mixpanel.ReasonTruncated},
		{"where gzip proves it", "HTTP/1.1 200 OK\nConnection: close\nContent-Encoding: gzip\n\nab", "ab", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, raw(t, tt.answer, false))
			b, err := c.Export(t.Context(), october())
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			got, err := io.ReadAll(b)
			if string(got) != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			_, again := b.Read(make([]byte, 1))
			if tt.reason == "" {
				if err != nil || !errors.Is(again, io.EOF) {
					t.Errorf("read error %v, then %v; want io.EOF twice", err, again)
				}
				return
			}
			if e := wantError(t, err, mixpanel.Retry, tt.reason); !e.Smaller || !errors.Is(again, e) {
				t.Errorf("read error %v (smaller %t), then %v; want the same twice, and smaller", e, e.Smaller, again)
			}
		})
	}
}

func TestBodyThatIsReset(t *testing.T) {
	t.Parallel()
	c := serve(t, raw(t, "HTTP/1.1 200 OK\nContent-Length: 400\n\nab", true))
	b, err := c.Export(t.Context(), october())
	if err == nil { // otherwise the reset overtook the headers
		defer b.Close()
		_, err = io.ReadAll(b)
	}
	e, ok := errors.AsType[*mixpanel.Error](err)
	if !ok || e.Action != mixpanel.Retry || !e.Smaller {
		t.Errorf("error = %+v, want a retry with less", err)
	}
}

func TestConnectionThatClosesWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	c := serve(t, raw(t, "", false))
	_, err := c.Export(t.Context(), october())
	if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonNetwork); !e.Smaller {
		t.Error("a broken connection does not call for smaller requests")
	}
}

func TestSilenceBeforeTheHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for limit, cfg := range map[time.Duration]mixpanel.Config{
			5 * time.Minute:  {},
			30 * time.Second: {FirstByteTimeout: 30 * time.Second},
		} {
			c, stop := serveFake(t, cfg, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			start := time.Now()
			_, err := c.Export(t.Context(), october())
			if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonTimeout); !e.Smaller {
				t.Error("silence does not call for smaller requests")
			}
			if d := time.Since(start); d != limit {
				t.Errorf("gave up after %s, want %s", d, limit)
			}
			stop()
		}
	})
}

func TestSilenceInTheBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "ab")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		defer stop()
		b, err := c.Export(t.Context(), october())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		start := time.Now()
		got, err := io.ReadAll(b)
		if e := wantError(t, err, mixpanel.Retry, mixpanel.ReasonTimeout); !e.Smaller || string(got) != "ab" {
			t.Errorf("read %q, smaller %t; want ab, true", got, e.Smaller)
		}
		if d := time.Since(start); d != 2*time.Minute {
			t.Errorf("gave up after %s, want 2m", d)
		}
	})
}

func TestSlowBodiesAndSlowReadersHaveTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lines = 200
		c, stop := serveFake(t, mixpanel.Config{IdleTimeout: time.Minute}, func(w http.ResponseWriter, _ *http.Request) {
			for range lines {
				<-time.After(59 * time.Second)
				_, _ = io.WriteString(w, "a\n")
				_ = http.NewResponseController(w).Flush()
			}
		})
		defer stop()
		b, err := c.Export(t.Context(), october())
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		p := make([]byte, 2*lines)
		if _, err := b.Read(p); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour) // a slow disk; nobody waits for the server
		if rest, err := io.ReadAll(b); err != nil || len(rest) != 2*lines-2 {
			t.Errorf("read %d more bytes, %v; want %d", len(rest), err, 2*lines-2)
		}
	})
}

func TestSilenceInAnErrorsBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "Unable to")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		defer stop()
		start := time.Now()
		_, err := c.Export(t.Context(), october())
		wantError(t, err, mixpanel.GiveUp, mixpanel.ReasonAuth)
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("the error took %s", d)
		}
	})
}

func TestCancelEndsRequestsAndReadsAtOnce(t *testing.T) {
	t.Parallel()
	why := errors.New("the job was cancelled")
	for _, where := range []string{"before the headers", "in the body", "in an error's body"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, r *http.Request) {
					if where == "in an error's body" {
						w.WriteHeader(http.StatusBadGateway)
					}
					if where != "before the headers" {
						_, _ = io.WriteString(w, "ab")
						_ = http.NewResponseController(w).Flush()
					}
					<-r.Context().Done()
				})
				defer stop()
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(why) })
				start := time.Now()
				b, err := c.Export(ctx, october())
				if err == nil {
					defer b.Close()
					_, err = io.ReadAll(b)
				}
				if !errors.Is(err, why) {
					t.Errorf("error = %v, want %v", err, why)
				}
				if d := time.Since(start); d != 5*time.Second {
					t.Errorf("ended after %s, want 5s", d)
				}
			})
		})
	}
}

func TestCloseEndsAReadThatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		defer stop()
		b, err := c.Export(t.Context(), october())
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := b.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait()
		_ = b.Close()
		if err := <-ended; !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("Read = %v, want %v", err, http.ErrBodyReadAfterClose)
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, stop := serveFake(t, mixpanel.Config{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ab") })
		defer stop()
		dials := 0
		dial := c.Transport().DialContext
		c.Transport().DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			dials++
			return dial(ctx, network, addr)
		}
		for range 3 {
			b, err := c.Export(t.Context(), october())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, b)
			_ = b.Close()
			synctest.Wait()
		}
		if dials != 1 {
			t.Errorf("3 requests took %d connections, want 1", dials)
		}
	})
}
