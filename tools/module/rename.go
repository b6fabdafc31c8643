package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// rename changes the path of the module below root: in go.mod, and wherever else the old one occurs. It returns the
// names of the changed files. After an error part of the tree can be changed. Running it again is safe, because
// go.mod, which contains the old path, is written last.
func rename(root, to string) (changed []string, err error) {
	if err := module.CheckPath(to); err != nil {
		return nil, err
	}
	goMod := filepath.Join(root, "go.mod")
	b, err := os.ReadFile(goMod)
	if err != nil {
		return nil, err
	}
	from := modfile.ModulePath(b)
	if from == "" {
		return nil, errors.New("go.mod names no module")
	}
	if from == to {
		return nil, nil
	}
	files, err := textFiles(root)
	if err != nil {
		return nil, err
	}
	uses := newUses(root, from)
	for _, name := range files {
		did, err := rewrite(filepath.Join(root, name), func(text []byte) []byte { return uses.replace(text, to) })
		if err != nil {
			return changed, err
		}
		if did {
			changed = append(changed, name)
		}
	}
	_, err = rewrite(goMod, func(text []byte) []byte {
		return regexp.MustCompile(`(?m)^module\s.*$`).ReplaceAllLiteral(text, []byte("module "+to))
	})
	return append(changed, "go.mod"), err
}

// rewrite applies edit to a file and reports whether anything changed. It keeps the permissions.
func rewrite(path string, edit func([]byte) []byte) (bool, error) {
	old, err := os.ReadFile(path)
	if err != nil || bytes.IndexByte(old, 0) >= 0 { // not text
		return false, err
	}
	text := edit(old)
	if bytes.Equal(old, text) {
		return false, nil
	}
	return true, os.WriteFile(path, text, 0o644) //nolint:gosec // source files are for everyone to read
}

// textFiles lists the files below root, relative to it, except built files, those of git, and go.mod.
func textFiles(root string) (files []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == ".git" || name == "bin" || name == "dist"):
			return filepath.SkipDir
		case d.Type().IsRegular() && name != "go.mod" && name != ".git":
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

// uses finds a module's path in text.
type uses struct {
	pattern *regexp.Regexp // group 1 is the text before the path, 2 the text after it
	isUse   func(before, after string) bool
}

func newUses(root, path string) *uses {
	quoted := regexp.QuoteMeta(path)
	if strings.Contains(path, ".") { // a path with a host always means the module
		return &uses{
			pattern: regexp.MustCompile(`(^|[^\w.-])` + quoted + `($|[^\w-])`),
			isUse:   func(_, _ string) bool { return true },
		}
	}
	// A single word also has other meanings. It is the module's path if a directory of the module follows, and in two
	// settings of the formatter.
	return &uses{
		pattern: regexp.MustCompile(`(^|prefix\(|module-path: |[^\w./-])` + quoted + `(/[\w/]+|[)}])`),
		isUse: func(before, after string) bool {
			if before == "prefix(" || before == "module-path: " {
				return true
			}
			info, err := fs.Stat(os.DirFS(root), after[1:])
			return err == nil && info.IsDir()
		},
	}
}

// replace replaces the path in text with to.
func (u *uses) replace(text []byte, to string) []byte {
	var out bytes.Buffer
	for {
		at := u.pattern.FindSubmatchIndex(text)
		if at == nil {
			out.Write(text)
			return out.Bytes()
		}
		out.Write(text[:at[3]])
		if u.isUse(string(text[at[2]:at[3]]), string(text[at[4]:at[5]])) {
			out.WriteString(to)
		} else {
			out.Write(text[at[3]:at[4]])
		}
		text = text[at[4]:] // the text after one use can come before the next
	}
}
