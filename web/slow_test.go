package web_test

import (
	"io"
	"net"
	"testing"

	"mixduck/web"
)

// A client that sends its request slower than any real one loses its connection, in the headers and in the body. Others are
// answered meanwhile.
func TestSlowClientsLoseTheirConnection(t *testing.T) {
	t.Parallel()
	p := serve(t, web.Config{Page: form{}})
	p.health.Started()
	for name, begin := range map[string]string{
		"headers": "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ",
		"body":    "POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nsecret=",
		"nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.address())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, begin); err != nil {
				t.Fatal(err)
			}
			if status, _ := p.get(t, "/healthz", ""); status != 200 {
				t.Errorf("another client: %d", status)
			}
			_, _ = io.Copy(io.Discard, conn) // ends with the connection; otherwise the test never does
		})
	}
}
