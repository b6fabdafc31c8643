package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mixduck/internal/proctest"
)

// writePEM writes a block to a separate file and returns its path.
func writePEM(tb testing.TB, kind string, der []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), strings.ToLower(strings.ReplaceAll(kind, " ", "-"))+".pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// newCertificate makes a self-signed certificate for this machine.
func newCertificate(tb testing.TB) (certificate, key string) {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return writePEM(tb, "CERTIFICATE", der), writePEM(tb, "EC PRIVATE KEY", secret)
}

// newRedisTLS starts a Redis with TLS and a password, and returns its address and the certificate to trust.
func newRedisTLS(tb testing.TB, password string) (address, certificate string) {
	tb.Helper()
	port := proctest.FreePort(tb)
	certificate, key := newCertificate(tb)
	proctest.NewRedis(tb, "--tls-port", port, "--bind", "127.0.0.1", "--tls-cert-file", certificate, "--tls-key-file", key,
		"--tls-ca-cert-file", certificate, "--tls-auth-clients", "no", "--requirepass", password)
	return net.JoinHostPort("127.0.0.1", port), certificate
}

func TestRedisWithTLSAndPassword(t *testing.T) {
	t.Parallel()
	const word = "open-sesame-1001"
	address, certificate := newRedisTLS(t, word)
	s := newSite(t, embedded, newMixpanel(t, 20))
	url := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(url, []byte("rediss://:"+word+"@"+address+"/0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger, _ := newCertificate(t)
	plain := s.env
	s.set("MIXDUCK_REDIS_URL_FILE=" + url)

	s.enqueue(t, "jobs", "list").mustFail(t, 1, "certificate", "redis.ca_file")
	s.set("MIXDUCK_REDIS_CA_FILE=" + stranger)
	s.enqueue(t, "jobs", "list").mustFail(t, 1, "certificate", "redis.ca_file")
	s.set("MIXDUCK_REDIS_CA_FILE=" + url)
	r := s.enqueue(t, "jobs", "list")
	r.mustFail(t, 3, "contains no certificate")
	s.set("MIXDUCK_REDIS_CA_FILE=" + certificate)
	wrong := command(t, append(plain, "MIXDUCK_REDIS_URL=rediss://:wrong-word@"+address, "MIXDUCK_REDIS_CA_FILE="+certificate), "enqueue", "jobs", "list")
	wrong.mustFail(t, 1, "WRONGPASS")

	w := s.startWorker(t)
	days := dates(t, "2025-11-01", "2025-11-02")
	s.fetch(t, days)
	s.checkEvents(t, days)
	said := w.Said()
	for _, text := range []string{said, r.stderr, wrong.stderr} {
		if strings.Contains(text, word) || strings.Contains(text, "wrong-word") {
			t.Errorf("a password is shown:\n%s", text)
		}
	}
}
