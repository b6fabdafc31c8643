package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"golang.org/x/sync/errgroup"

	"mixduck/internal/npm"
)

// legal matches the names of files that must accompany a copy of a package.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([-._].*)?$`)

// build bundles the scripts in the directory from with the packages of its lock file, and replaces the directory to by the result.
// It returns the names of the files.
func build(ctx context.Context, registry npm.Registry, from, to string) ([]string, error) {
	lock, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	packages, err := npm.ReadLock(lock)
	if err != nil {
		return nil, err
	}
	packages = slices.DeleteFunc(packages, func(p npm.Package) bool { return p.Dev })
	work, err := os.MkdirTemp("", "mixduck-assets-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	licences, err := install(ctx, registry, packages, work)
	if err != nil {
		return nil, err
	}
	files, err := bundle(from, filepath.Join(work, "node_modules"))
	if err != nil {
		return nil, err
	}
	files["licences.txt"] = licences
	return replace(to, files)
}

// install unpacks packages into dir, and returns their licences as one text.
func install(ctx context.Context, registry npm.Registry, packages []npm.Package, dir string) ([]byte, error) {
	texts := make([][]byte, len(packages))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i, p := range packages {
		group.Go(func() error {
			files, err := registry.Files(ctx, p)
			if err != nil {
				return err
			}
			for name, b := range files {
				if legal.MatchString(name) {
					texts[i] = fmt.Appendf(texts[i], "%s %s\n\n%s\n\n", p.Name, p.Version, bytes.TrimSpace(b))
				}
				if err := write(filepath.Join(dir, filepath.FromSlash(p.Dir), filepath.FromSlash(name)), b); err != nil {
					return err
				}
			}
			if texts[i] == nil {
				return fmt.Errorf("%s %s: the package has no licence", p.Name, p.Version)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return bytes.Join(texts, []byte("----\n\n")), nil
}

// bundle returns the bundle of each script in a directory, by the name of the script.
func bundle(from, modules string) (map[string][]byte, error) {
	scripts, err := filepath.Glob(filepath.Join(from, "*.js"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, script := range scripts {
		result := api.Build(api.BuildOptions{
			EntryPoints: []string{script}, NodePaths: []string{modules}, Bundle: true, Outfile: filepath.Base(script),
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Charset: api.CharsetUTF8,
			Format: api.FormatESModule, Target: api.ES2022, LegalComments: api.LegalCommentsNone,
			Loader: map[string]api.Loader{".css": api.LoaderText},
		})
		if len(result.Errors) > 0 {
			return nil, fmt.Errorf("%s: %s", script, strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
		}
		for _, file := range result.OutputFiles {
			files[filepath.Base(script)] = file.Contents
		}
	}
	if len(files) == 0 {
		return nil, errors.New("there is no script in " + from)
	}
	return files, nil
}

// replace makes files the only content of a directory.
func replace(dir string, files map[string][]byte) ([]string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	var names []string
	for name, b := range files {
		if err := write(filepath.Join(dir, name), b); err != nil {
			return nil, err
		}
		names = append(names, filepath.Join(dir, name))
	}
	slices.Sort(names)
	return names, nil
}

func write(name string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // for everyone to read
		return err
	}
	return os.WriteFile(name, b, 0o644) //nolint:gosec // for everyone to read
}
