package npm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/internal/npm"
)

// packed returns an archive with the given files.
func packed(tb testing.TB, files map[string]string) []byte {
	tb.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))}); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// lock returns a lock file with one package, whose archive is given.
func lock(dir, version string, archive []byte) []byte {
	sum := sha512.Sum512(archive)
	return fmt.Appendf(nil, `{"lockfileVersion": 3, "packages": {"": {}, %q: {"version": %q, "integrity": "sha512-%s"}}}`, dir, version, base64.StdEncoding.EncodeToString(sum[:]))
}

// only returns the package of a lock file.
func only(tb testing.TB, lock []byte) npm.Package {
	tb.Helper()
	all, err := npm.ReadLock(lock)
	if err != nil || len(all) != 1 {
		tb.Fatal(all, err)
	}
	return all[0]
}

// serve answers every request with the same archive, and counts the requests.
func serve(tb testing.TB, archive []byte, want string) (string, *atomic.Int64) {
	tb.Helper()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != want {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(archive)
	}))
	tb.Cleanup(server.Close)
	return server.URL, &asked
}

func TestFilesComeFromTheRegistryOnce(t *testing.T) {
	t.Parallel()
	archive := packed(t, map[string]string{"package/package.json": "{}", "package/dist/x.js": "x"})
	p := only(t, lock("node_modules/a/node_modules/@scope/x", "1.2.3", archive))
	url, asked := serve(t, archive, "/@scope/x/-/x-1.2.3.tgz")
	r := npm.Registry{URL: url + "/", Cache: filepath.Join(t.TempDir(), "cache")}
	want := map[string][]byte{"package.json": []byte("{}"), "dist/x.js": []byte("x")}
	for range 2 {
		got, err := r.Files(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the registry was asked %d times, want 1", n)
	}
	kept, err := filepath.Glob(filepath.Join(r.Cache, "*"))
	if err != nil || len(kept) != 1 {
		t.Fatal(kept, err)
	}
	if err := os.WriteFile(kept[0], []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Files(t.Context(), p); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("with a damaged cache: %q, %v", got, err)
	}
}

func TestOtherBytesAreRefused(t *testing.T) {
	t.Parallel()
	archive := packed(t, map[string]string{"package/x.js": "x"})
	p := only(t, lock("node_modules/x", "1.0.0", archive))
	url, _ := serve(t, packed(t, map[string]string{"package/x.js": "y"}), "/x/-/x-1.0.0.tgz")
	cache := t.TempDir()
	_, err := npm.Registry{URL: url, Cache: cache}.Files(t.Context(), p)
	if err == nil || errors.Is(err, npm.ErrUnreachable) || !strings.Contains(err.Error(), "x 1.0.0: the archive differs from the hash") {
		t.Errorf("other bytes: %v", err)
	}
	if kept, _ := os.ReadDir(cache); len(kept) != 0 {
		t.Errorf("the cache has %v", kept)
	}
}

func TestMissingRegistryIsTold(t *testing.T) {
	t.Parallel()
	p := only(t, lock("node_modules/x", "1.0.0", nil))
	url, asked := serve(t, nil, "/nothing")
	if _, err := (npm.Registry{URL: url}).Files(t.Context(), p); !errors.Is(err, npm.ErrUnreachable) || !strings.Contains(err.Error(), "404") {
		t.Errorf("404: %v", err)
	}
	if n := asked.Load(); n != 3 {
		t.Errorf("the registry was asked %d times, want 3", n)
	}
}

func TestFilesStayBelowThePackage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"package/../../x.js", "../x.js", "package//etc/x", "x.js"} {
		archive := packed(t, map[string]string{name: "x"})
		url, _ := serve(t, archive, "/x/-/x-1.0.0.tgz")
		files, err := npm.Registry{URL: url}.Files(t.Context(), only(t, lock("node_modules/x", "1.0.0", archive)))
		for path := range files {
			if !filepath.IsLocal(path) {
				t.Errorf("%q becomes %q", name, path)
			}
		}
		if err == nil && len(files) != 1 {
			t.Errorf("%q: %q, %v", name, files, err)
		}
	}
}

func TestLockFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no JSON":         `x`,
		"an old version":  `{"lockfileVersion": 2}`,
		"no hash":         `{"lockfileVersion": 3, "packages": {"node_modules/x": {"version": "1.0.0"}}}`,
		"a weak hash":     `{"lockfileVersion": 3, "packages": {"node_modules/x": {"version": "1.0.0", "integrity": "sha1-AAAA"}}}`,
		"a local package": `{"lockfileVersion": 3, "packages": {"x": {"version": "1.0.0"}}}`,
		"a path outside":  string(lock("../node_modules/x", "1.0.0", nil)),
		"an odd version":  string(lock("node_modules/x", "../1.0.0", nil)),
	} {
		if got, err := npm.ReadLock([]byte(text)); err == nil {
			t.Errorf("%s is accepted: %v", name, got)
		}
	}
}
