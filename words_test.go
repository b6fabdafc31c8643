package mixduck_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// dropped maps words that the glossary of docs/architecture.md replaced, as parts of identifiers, to their
// replacements.
var dropped = map[string]string{
	"desk": "lane or queue", "desks": "lanes or queues",
	"seat": "claim", "seats": "claims",
	"figure": "metric", "figures": "metrics",
	"parcel": "chunk", "parcels": "chunks",
}

// droppedTurns are the same words in pages and help, where some of them also have other meanings.
var droppedTurns = regexp.MustCompile(`(?i)\b(desks?|figures|parcels?|look-backs?|ticks?|` +
	`(in|behind|of|before it in) (the|its|a) line\b[^s]|lines? of (the|its|a) database|places? in (the|its) (line|lane)|in line before)\b`)

// code matches quoted code: names of fields and directories stay unchanged.
var code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")

func TestPagesUseTheGlossary(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("docs has %d pages, %v", len(pages), err)
	}
	for _, page := range append(pages, "README.md", "CONTRIBUTING.md", "SECURITY.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if page != filepath.Join("docs", "help.md") { // all code
			text = code.ReplaceAllString(text, "")
		}
		text = strings.Replace(text, "(in Redis and JSON: tick)", "", 1) // the glossary's own entry
		for i, line := range strings.Split(text, "\n") {
			if word := droppedTurns.FindString(line); word != "" {
				t.Errorf("%s, about line %d: %q is not in the glossary of docs/architecture.md: %s", page, i+1, word, line)
			}
		}
	}
}

var nameParts = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

func TestIdentifiersUseTheGlossary(t *testing.T) {
	t.Parallel()
	names := map[string]string{} // and a file that has it
	for _, f := range parsed(t) {
		ast.Inspect(f.File, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				names[id.Name] = f.path
			}
			return true
		})
	}
	if len(names) < 5000 {
		t.Fatalf("%d names", len(names))
	}
	for name, path := range names {
		for _, part := range nameParts.FindAllString(name, -1) {
			if instead, ok := dropped[strings.ToLower(part)]; ok {
				t.Errorf("%s: %s has %q, which is not in the glossary of docs/architecture.md: use %s", path, name, part, instead)
			}
		}
	}
}

// goFile is a parsed file of Go.
type goFile struct {
	*ast.File
	path string
}

// files has the positions of [parsed].
var files = token.NewFileSet()

// parseAll parses all files once.
var parseAll = sync.OnceValues(func() (all []goFile, err error) {
	err = filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		all = append(all, goFile{f, path})
		return err
	})
	return all, err
})

// parsed returns all files of Go.
func parsed(tb testing.TB) []goFile {
	tb.Helper()
	all, err := parseAll()
	if err != nil || len(all) < 500 {
		tb.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// Every path in the map of the code exists.
func TestTheMapOfTheCodeIsTrue(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	paths := regexp.MustCompile("`([a-z]+/[a-z_./*]*)`").FindAllStringSubmatch(string(b), -1)
	if len(paths) < 35 {
		t.Fatalf("the page names %d paths", len(paths))
	}
	for _, m := range paths {
		if _, err := os.Stat(m[1]); err != nil && m[1] != "bin/" {
			t.Errorf("CONTRIBUTING.md: %v", err)
		}
	}
}
