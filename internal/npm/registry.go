package npm

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// PublicRegistry is npm's default.
const PublicRegistry = "https://registry.npmjs.org"

// ErrUnreachable means that the registry did not send a package. Files that differ from their hash are another error.
var ErrUnreachable = errors.New("the npm registry cannot be reached")

const (
	maxArchive = 32 << 20
	maxFiles   = 256 << 20 // of an archive, unpacked
	tries      = 3
	timeout    = time.Minute // of a download
)

// Registry downloads packages.
type Registry struct {
	URL   string // "" for [PublicRegistry]
	Cache string // directory of archives, which may be missing; "" keeps none
}

// FromEnvironment returns the registry of npm_config_registry, and a cache in the user's directory of caches.
func FromEnvironment() Registry {
	r := Registry{URL: cmp.Or(os.Getenv("npm_config_registry"), os.Getenv("NPM_CONFIG_REGISTRY"))} //nolint:forbidigo // npm's own variable, for developers
	if dir, err := os.UserCacheDir(); err == nil {
		r.Cache = filepath.Join(dir, "mixduck", "npm")
	}
	return r
}

// Files returns the files of a package by their path in it.
func (r Registry) Files(ctx context.Context, p Package) (map[string][]byte, error) {
	archive, err := r.archive(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
	}
	files, err := unpack(archive)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
	}
	return files, nil
}

// archive returns the archive of a package, from the cache if it is there.
func (r Registry) archive(ctx context.Context, p Package) ([]byte, error) {
	kept := filepath.Join(r.Cache, hex.EncodeToString(p.sum[:])+".tgz")
	if r.Cache != "" {
		if b, err := os.ReadFile(kept); err == nil && sha512.Sum512(b) == p.sum {
			return b, nil
		}
	}
	var b []byte
	var err error
	for range tries {
		if b, err = r.download(ctx, p); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if sha512.Sum512(b) != p.sum {
		return nil, errors.New("the archive differs from the hash in the lock file")
	}
	if r.Cache == "" {
		return b, nil
	}
	return b, keep(kept, b)
}

func (r Registry) download(ctx context.Context, p Package) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	base := strings.TrimSuffix(r.URL, "/")
	if base == "" {
		base = PublicRegistry
	}
	address := fmt.Sprintf("%s/%s/-/%s-%s.tgz", base, p.Name, path.Base(p.Name), p.Version)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", req.URL.Redacted(), resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive+1))
	if len(b) > maxArchive {
		return nil, fmt.Errorf("%s: the archive has more than %d MB", req.URL.Redacted(), maxArchive>>20)
	}
	return b, err
}

// keep writes a file so that other processes see all of it or nothing.
func keep(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "*.part")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// unpack returns the regular files of an archive. Registries put them below one directory.
func unpack(archive []byte) (map[string][]byte, error) {
	unzip, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files, left := map[string][]byte{}, int64(maxFiles)
	for reader := tar.NewReader(unzip); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		_, name, _ := strings.Cut(path.Clean(header.Name), "/")
		if !filepath.IsLocal(name) {
			return nil, fmt.Errorf("the archive contains %q", header.Name)
		}
		b, err := io.ReadAll(io.LimitReader(reader, left+1))
		if err != nil {
			return nil, err
		}
		if left -= int64(len(b)); left < 0 {
			return nil, fmt.Errorf("the archive has more than %d MB of files", maxFiles>>20)
		}
		files[name] = b
	}
}
