package connect_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/cmd/internal/connect"
	"mixduck/config"
	"mixduck/internal/secret"
)

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	good := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
	for _, tt := range []struct{ name, content, err string }{
		{"plain", good, ""},
		{"byte order mark", "\ufeff" + good, ""},
		{"lines of Windows", strings.ReplaceAll(good, "\n", "\r\n"), ""},
		{"UTF-16", "\xff\xfe-\x00-\x00", "is UTF-16 text"},
		{"no certificate", "hello", "contains no certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := connect.Options(config.Redis{URL: secret.New("rediss://127.0.0.1:1"), CAFile: file})
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("Options = %v, want an error with %q", err, tt.err)
			}
		})
	}
}
