package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"sync"
	"time"
)

// file is a static file.
type file struct {
	data   []byte
	zipped []byte // gzip of data
	hash   string // of data; a new version has a new address, so browsers can keep the file
}

// static returns the static files by name.
var static = sync.OnceValue(func() map[string]file {
	files := map[string]file{}
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		files[path.Base(name)] = file{data: data, zipped: zip(data), hash: hex.EncodeToString(sum[:4])}
		return nil
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return files
})

// asset returns the path of a static file below the base path.
func asset(name string) (string, error) {
	f, ok := static()[name]
	if !ok {
		return "", fmt.Errorf("there is no file %q", name)
	}
	return "/static/" + name + "?v=" + f.hash, nil
}

// bundle returns the path of a file made by `make assets`; "" if that was not run.
func bundle(name string) string {
	address, err := asset(name)
	if err != nil {
		return ""
	}
	return address
}

// serveStatic serves files that contain no secret.
func (p *Page) serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	f, ok := static()[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := mime.TypeByExtension(path.Ext(name))
	switch path.Ext(name) { // the same on every system
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".svg":
		kind = "image/svg+xml"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Vary", "Accept-Encoding")
	if r.URL.Query().Get("v") == f.hash {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	data, tag := f.data, f.hash
	if takesGzip(r) {
		data, tag = f.zipped, f.hash+"-gzip"
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Etag", `"`+tag+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(data))
}
