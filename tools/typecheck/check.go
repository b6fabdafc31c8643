package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is a package as reported by `go list`.
type listed struct {
	ImportPath        string
	Dir               string
	GoFiles, CgoFiles []string
	ImportMap         map[string]string
	Module            *struct {
		Main      bool
		GoVersion string
	}
	Error *struct{ Err string }
}

func (p *listed) ours() bool { return p.Module != nil && p.Module.Main }

// check type-checks packages, their tests and all their imports, for the system in environ. It returns the number of
// checked packages of the module, and their compile errors.
func check(ctx context.Context, patterns, environ []string) (checked int, problems []string, err error) {
	packages, err := list(ctx, patterns, environ)
	if err != nil {
		return 0, nil, err
	}
	c := &checker{files: token.NewFileSet(), done: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, p := range packages { // imports come before the packages that import them
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") {
			continue
		}
		found := c.check(p)
		if p.ours() {
			checked++
			problems = append(problems, found...)
		}
	}
	slices.Sort(problems)
	return checked, slices.Compact(problems), nil // a package and its test variant share files
}

func list(ctx context.Context, patterns, environ []string) (all []*listed, err error) {
	args := append([]string{"list", "-e", "-deps", "-test", "-json=ImportPath,Dir,GoFiles,CgoFiles,ImportMap,Module,Error"}, patterns...)
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // arguments of a developer
	cmd.Env = append(slices.Clone(environ), "CGO_ENABLED=1")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("go list: %s", exit.Stderr)
	}
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := &listed{}
		err := dec.Decode(p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

type checker struct {
	files *token.FileSet
	done  map[string]*types.Package // by import path, as given by go list
}

// check makes a package available for import and returns its compile errors.
func (c *checker) check(p *listed) (problems []string) {
	if p.Error != nil {
		problems = append(problems, p.ImportPath+": "+p.Error.Err)
	}
	note := func(err error) {
		if !strings.Contains(err.Error(), "invalid type") { // follows from a C name that is assumed to exist
			problems = append(problems, err.Error())
		}
	}
	mode := parser.SkipObjectResolution
	var syntax []*ast.File
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(p.Dir, name)
		}
		file, err := parser.ParseFile(c.files, name, nil, mode)
		if err != nil {
			note(err)
			continue
		}
		syntax = append(syntax, file)
	}
	conf := types.Config{
		Importer:         importer{c.done, p.ImportMap},
		IgnoreFuncBodies: !p.ours(),
		FakeImportC:      true,
		Error:            note,
	}
	if p.ours() {
		conf.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // a test's variant is "path [path.test]"
	pkg, _ := conf.Check(path, c.files, syntax, nil)
	c.done[p.ImportPath] = pkg
	return problems
}

// importer finds checked packages. The map is for vendored packages and test variants.
type importer struct {
	done map[string]*types.Package
	to   map[string]string
}

func (i importer) Import(path string) (*types.Package, error) {
	if to, ok := i.to[path]; ok {
		path = to
	}
	if pkg := i.done[path]; pkg != nil {
		return pkg, nil
	}
	return nil, fmt.Errorf("%s has not been checked", path)
}
