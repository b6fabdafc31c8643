package config_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mixduck/config"
	"mixduck/internal/fault"
)

func TestAuthorities(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	srv.Close()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"good.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})),
		"void.pem": "", "text.pem": "hello", "many/a.txt": "hello", "many/b.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})),
		"none/a.pem": "hello",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "many", "0.pem")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, environ string // DIR is the directory
		want          []string
	}{
		{"not set", "", nil},
		{"set to nothing", "SSL_CERT_FILE= SSL_CERT_DIR=", nil},
		{"a file", "SSL_CERT_FILE=DIR/good.pem", nil},
		{"a missing file", "SSL_CERT_FILE=DIR/missing.pem", []string{"SSL_CERT_FILE", "DIR/missing.pem", "no such file"}},
		{"an empty file", "SSL_CERT_FILE=DIR/void.pem", []string{"SSL_CERT_FILE", "DIR/void.pem contains no certificate"}},
		{"a file without certificates", "SSL_CERT_FILE=DIR/text.pem", []string{"SSL_CERT_FILE", "DIR/text.pem contains no certificate"}},
		{"a directory as the file", "SSL_CERT_FILE=DIR/many", []string{"SSL_CERT_FILE", "DIR/many is not a regular file"}},
		{"a directory, with other files", "SSL_CERT_DIR=DIR/many", nil},
		{"directories, one without certificates", "SSL_CERT_DIR=DIR/none:DIR/many", nil},
		{"directories, one missing", "SSL_CERT_DIR=DIR/many:DIR/missing", []string{"SSL_CERT_DIR", "DIR/missing", "no such file"}},
		{"a directory without certificates", "SSL_CERT_DIR=DIR/none", []string{"SSL_CERT_DIR", "DIR/none contains no certificate"}},
		{"a file as the directory", "SSL_CERT_DIR=DIR/good.pem", []string{"SSL_CERT_DIR", "DIR/good.pem", "not a directory"}},
		{"both", "SSL_CERT_FILE=DIR/void.pem SSL_CERT_DIR=DIR/none", []string{"SSL_CERT_FILE", "SSL_CERT_DIR"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			environ := append(strings.Fields(strings.ReplaceAll(tt.environ, "DIR/", dir+"/")), "HOME="+dir, "MIXDUCK_CONFIG=off")
			cfg, err := config.LoadClient(environ, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = cfg.Authorities.Check()
			if (err != nil) != (tt.want != nil) || err != nil && (fault.CodeOf(err) != fault.CodeUsage || !strings.Contains(fault.HintOf(err), "unset it")) {
				t.Fatalf("Check = %v (try: %s), want an error with %q", err, fault.HintOf(err), tt.want)
			}
			for _, want := range tt.want {
				if want = strings.ReplaceAll(want, "DIR/", dir+"/"); !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in %v", want, err)
				}
			}
		})
	}
}
