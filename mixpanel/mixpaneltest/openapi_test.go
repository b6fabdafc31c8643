package mixpaneltest_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// openAPI finds Mixpanel's published description of the export: in MIXDUCK_OPENAPI_DIR, or in shared/openapi beside one
// of the directories above. Without one the test is skipped.
func openAPI(t *testing.T) []byte {
	t.Helper()
	dirs := []string{os.Getenv("MIXDUCK_OPENAPI_DIR")}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := here; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		dirs = append(dirs, filepath.Join(dir, "..", "shared", "openapi"))
	}
	for _, dir := range dirs {
		if text, err := os.ReadFile(filepath.Join(dir, "export.openapi.yaml")); err == nil {
			return text
		}
	}
	t.Skip("Mixpanel's OpenAPI files are not there: set MIXDUCK_OPENAPI_DIR to their directory")
	return nil
}

func TestAcceptsThePublishedParameters(t *testing.T) {
	t.Parallel()
	var published struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					In       string `yaml:"in"`
					Name     string `yaml:"name"`
					Required bool   `yaml:"required"`
				} `yaml:"parameters"`
			} `yaml:"get"`
		} `yaml:"paths"`
	}
	if err := yaml.Unmarshal(openAPI(t), &published); err != nil {
		t.Fatal(err)
	}
	examples := map[string]string{
		"project_id": "7",
		"from_date":  "2025-03-01",
		"to_date":    "2025-03-01",
		"limit":      "10",
		"event":      `["Page Viewed"]`,
		"where":      `properties["plan"] == "pro"`,
		"time_in_ms": "true",
	}
	s := start(t, project(20))
	var names []string
	for _, parameter := range published.Paths["/export"].Get.Parameters {
		if parameter.In != "query" {
			continue
		}
		names = append(names, parameter.Name)
		if got := get(t, s, march1, march1, parameter.Name, examples[parameter.Name]); got.status != 200 {
			t.Errorf("%s: status %d: %s", parameter.Name, got.status, got.text)
		}
		if parameter.Required {
			without := params(march1, march1)
			without.Del(parameter.Name)
			if got, err := ask(t.Context(), s, without, nil); err != nil || got.status != 400 {
				t.Errorf("without %s: status %d, %v", parameter.Name, got.status, err)
			}
		}
	}
	var known []string
	for name := range examples {
		known = append(known, name)
	}
	slices.Sort(names)
	slices.Sort(known)
	if diff := cmp.Diff(known, names); diff != "" {
		t.Errorf("parameters (-stand-in +published):\n%s", diff)
	}
}
