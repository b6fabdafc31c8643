package deploy_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestImageIsPinnedAndRunsAsNobody(t *testing.T) {
	t.Parallel()
	file := read(t, "Dockerfile")
	bases := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^ARG (\w+_IMAGE)=(.*)$`).FindAllStringSubmatch(file, -1) {
		bases["${"+m[1]+"}"] = m[2]
	}
	from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(file, -1)
	for _, m := range from {
		if base := bases[m[1]]; !byDigest.MatchString(base) || strings.Contains(base, "alpine") {
			t.Errorf("FROM %s is %q: no image by tag and digest that has glibc", m[1], base)
		}
	}
	goMod := read(t, filepath.Join(root, "go.mod"))
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(goMod)[1]
	if !strings.HasPrefix(bases["${GO_IMAGE}"], "golang:"+language+".") {
		t.Errorf("go.mod wants Go %s, and the image is built with %s", language, bases["${GO_IMAGE}"])
	}
	stages := strings.Split(file, "\nFROM ")[2:] // without the stage that builds
	for _, stage := range stages {
		for _, want := range []string{"\nUSER 65532:65532\n", "\nENTRYPOINT [\"/usr/local/bin/"} {
			if !strings.Contains(stage, want) {
				t.Errorf("no %q in stage %.40s", want, stage)
			}
		}
	}
	for _, want := range []string{
		`CMD ["/usr/local/bin/worker", "healthcheck"]`, "org.opencontainers.image.version", "org.opencontainers.image.licenses", "VOLUME /data",
		"COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt",
	} {
		if !strings.Contains(stages[len(stages)-1], want) {
			t.Errorf("the last stage, which is what is built by default, has no %s", want)
		}
	}
	for _, want := range []string{"-trimpath", "-buildid= ", "SOURCE_DATE_EPOCH", "-s -w"} {
		if !strings.Contains(file, want) {
			t.Errorf("the binaries are built without %s", want)
		}
	}
}

// .dockerignore excludes nothing that the programs need.
func TestBuildGetsEveryFile(t *testing.T) {
	t.Parallel()
	var kept []string
	for line := range strings.FieldsSeq(read(t, filepath.Join(root, ".dockerignore"))) {
		if name, ok := strings.CutPrefix(line, "!"); ok {
			kept = append(kept, name)
		}
	}
	seen := 0
	for _, name := range sources(t) {
		seen++
		top, _, _ := strings.Cut(name, string(filepath.Separator))
		if !slices.Contains(kept, top) || strings.Contains(name, "testdata") || strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s is not sent to the build", name)
		}
	}
	if seen < 200 {
		t.Errorf("the programs are made of %d files", seen)
	}
	for _, secret := range []string{".env", "secrets", ".git", "bin", "docs"} {
		if slices.Contains(kept, secret) {
			t.Errorf("%s is sent to the build", secret)
		}
	}
}

// sources returns the files of this module that the programs of the images are built from.
func sources(t *testing.T) (names []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Module,GoFiles,CgoFiles,CFiles,HFiles,EmbedFiles",
		"./cmd/...", "./mixpanel/mixpaneltest/fakemixpanel")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir                                           string
			Module                                        *struct{ Main bool }
			GoFiles, CgoFiles, CFiles, HFiles, EmbedFiles []string
		}
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := filepath.Rel(top, p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Concat(p.GoFiles, p.CgoFiles, p.CFiles, p.HFiles, p.EmbedFiles) {
			names = append(names, filepath.Join(dir, name))
		}
	}
}
