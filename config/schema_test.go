package config

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

const schemaFile = "../docs/mixduck.schema.json"

type object = map[string]any

// schemaOf returns the JSON Schema of a mapping with these settings. Keys may contain dots.
func schemaOf[T any](all []setting[T]) object {
	properties := object{}
	for _, s := range all {
		at, key := properties, s.key
		if section, rest, nested := strings.Cut(key, "."); nested {
			if at[section] == nil {
				at[section] = object{"type": []string{"object", "null"}, "additionalProperties": false, "properties": object{}}
			}
			at, key = at[section].(object)["properties"].(object), rest
		}
		if s.secret {
			at[key+fileSuffix] = object{"type": "string", "description": plainUsage(s.usage) + " (path of a file that contains it)"}
		}
		if !s.secret || s.public != nil {
			at[key] = schemaOfValue(s)
		}
	}
	return object{"type": "object", "additionalProperties": false, "properties": properties}
}

func schemaOfValue[T any](s setting[T]) object {
	v := object{"description": plainUsage(s.usage), "type": "string"}
	switch {
	case s.list != nil && s.numeric:
		v["type"], v["items"], v["minItems"] = "array", object{"type": []string{"integer", "string"}}, 1
	case s.list != nil:
		v["type"], v["items"], v["minItems"] = "array", object{"type": "string"}, 1
	case s.field.key != "":
		delete(v, "type")
		one := object{"type": "object", "additionalProperties": false, "required": []string{s.field.key}, "properties": object{s.field.key: object{"type": "string"}}}
		v["oneOf"] = []object{{"enum": s.allowed}, one}
	case s.boolean:
		v["type"] = "boolean"
	case slices.Contains(s.allowed, "true"): // YAML reads true and false as booleans
		v["enum"] = []any{false, true, s.allowed[len(s.allowed)-1]}
		delete(v, "type")
	case s.allowed != nil:
		v["enum"] = s.allowed
	case s.numeric:
		v["type"] = []string{"integer", "string"}
	}
	return v
}

// named returns the schema of a mapping from names to values with schema each.
func named(pattern string, each object) object {
	return object{"type": []string{"object", "null"}, "additionalProperties": false, "patternProperties": object{pattern: each}}
}

func schema() object {
	root := schemaOf(settings())
	keys := root["properties"].(object)
	keys["volumes"] = named("^[a-z0-9][a-z0-9_-]*$", object{"type": "string"})
	project := schemaOf(projectSettings(fallbackEnv))
	project["properties"].(object)["tables"] = named("^[A-Za-z_][A-Za-z0-9_]{0,62}$", schemaOf(tableSettings()))
	keys["projects"] = named(namePattern.String(), project)
	schedule := schemaOf(scheduleSettings())
	schedule["required"] = needed(scheduleSettings())
	keys["schedules"] = object{"type": []string{"array", "null"}, "items": schedule}
	root["$schema"], root["title"] = "https://json-schema.org/draft/2020-12/schema", "mixduck.yaml"
	return root
}

func fallbackEnv(string) string { return "" }

func needed[T any](all []setting[T]) (keys []string) {
	for _, s := range all {
		if s.needed != "" {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// The schema for editors matches the code exactly: all keys, their values, and nothing else.
func TestSchema(t *testing.T) {
	t.Parallel()
	b, err := json.MarshalIndent(schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(schemaFile, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), string(b)); diff != "" {
		t.Errorf("%s (-file +code); 'go test ./config -update' writes it:\n%s", schemaFile, diff)
	}
}

// leaves returns the keys of the schema that have values, separated by dots; * stands for a name.
func leaves(prefix string, s object) []string {
	var all []string
	if items, ok := s["items"].(object); ok && items["properties"] != nil {
		return leaves(prefix, items)
	}
	patterns, _ := s["patternProperties"].(object)
	for _, each := range patterns {
		all = append(all, leaves(prefix+".*", each.(object))...)
	}
	properties, _ := s["properties"].(object)
	for key, each := range properties {
		all = append(all, leaves(prefix+"."+key, each.(object))...)
	}
	if all == nil {
		all = []string{strings.TrimPrefix(prefix, ".")}
	}
	return all
}

// keysIn returns the keys in a file, in the form of leaves.
func keysIn(prefix string, n *node, names []string) map[string]bool {
	all := map[string]bool{}
	for _, item := range n.items {
		if item.kind == mapping {
			maps.Copy(all, keysIn(prefix, item, names))
		}
	}
	if len(all) > 0 {
		return all
	}
	for _, e := range n.entries {
		key := prefix + "." + e.key
		if slices.Contains(names, strings.TrimPrefix(prefix, ".")) {
			key = prefix + ".*"
		}
		maps.Copy(all, keysIn(key, e.value, names))
	}
	if len(all) == 0 {
		all[strings.TrimPrefix(prefix, ".")] = true
	}
	return all
}

// The example is valid, has every key, and states the right defaults.
func TestExample(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../deploy/mixduck.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LoadClient([]string{"HOME=/home/ann", "MIXDUCK_CONFIG=../deploy/mixduck.example.yaml"}, nil); err != nil {
		t.Error(err)
	}
	whole := regexp.MustCompile(`(?m)^#( *[a-z_]+:)`).ReplaceAll(b, []byte("$1"))
	root, wrong := parseTree(whole)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	want := map[string]bool{}
	for _, key := range leaves("", schema()) {
		want[key] = true
	}
	if diff := cmp.Diff(want, keysIn("", root, []string{"volumes", "projects", "projects.*.tables"})); diff != "" {
		t.Errorf("keys of the example (-code +example):\n%s", diff)
	}
	// Of options that exclude each other, one half is removed.
	whole = regexp.MustCompile(`(?m)^ *(username_file|url_file|ca_file|base_url|secret_file|token_file): .*$`).ReplaceAll(whole, nil)
	file := t.TempDir() + "/mixduck.yaml"
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadClient([]string{"HOME=/home/ann", "MIXDUCK_CONFIG=" + file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := LoadClient([]string{"HOME=/home/ann", "MIXDUCK_CONFIG=off"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	examples := []string{"config", "volumes", "redis.url", "lake.catalog", "lake.warehouse"}
	for _, v := range plain.Values() {
		if i := slices.IndexFunc(cfg.Values(), func(o Value) bool { return o.Key == v.Key }); i >= 0 && !slices.Contains(examples, v.Key) {
			if got := cfg.Values()[i].Value; got != v.Value {
				t.Errorf("the example says that %s is %q by default; it is %q", v.Key, got, v.Value)
			}
		}
	}
}

// cells returns the first cells of the rows of the table below a heading of the page of settings.
func cells(t *testing.T, page, heading string, n int) map[string]bool {
	t.Helper()
	_, below, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("the page has no heading %s", heading)
	}
	below, _, _ = strings.Cut(below, "\n#")
	rows := map[string]bool{}
	for line := range strings.Lines(below) {
		first := strings.Split(strings.ReplaceAll(line, "`", ""), "|")
		if !strings.HasPrefix(line, "|") || first[1] == " key " || first[1] == "---" {
			continue
		}
		first = first[1 : n+1]
		for i := range first {
			first[i] = strings.TrimSpace(first[i])
		}
		rows[strings.Join(first, "|")] = true
	}
	return rows
}

// The page of settings has exactly one row per setting, with its variable and flag.
func TestPage(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]bool{"## Settings": {"|MIXDUCK_CONFIG|--config": true}, "## Projects": {"tables|": true}, "### Tables": {}, "## Schedules": {}}
	for _, s := range settings() {
		key, flag := s.key, "--"+s.flag
		if s.secret {
			key += ", " + s.key + fileSuffix
			if s.public == nil {
				key = s.key + fileSuffix
			}
		}
		if s.flag == "" {
			flag = ""
		}
		want["## Settings"][key+"|"+s.env+"|"+flag] = true
	}
	own := map[string]string{}
	for _, s := range fallbackSettings() {
		own[s.key] = s.env
	}
	for _, s := range projectSettings(fallbackEnv) {
		key := s.key
		if s.secret && s.public == nil {
			key += fileSuffix
		} else if s.secret {
			key += ", " + key + fileSuffix
		}
		want["## Projects"][key+"|"+own[s.key]] = true
	}
	for _, s := range tableSettings() {
		want["### Tables"][s.key] = true
	}
	for _, s := range scheduleSettings() {
		want["## Schedules"][s.key] = true
	}
	for heading, n := range map[string]int{"## Settings": 3, "## Projects": 2, "### Tables": 1, "## Schedules": 1} {
		if diff := cmp.Diff(want[heading], cells(t, string(b), heading, n)); diff != "" {
			t.Errorf("%s of docs/configuration.md (-code +page):\n%s", heading, diff)
		}
	}
}

// Each setting has one name: its variable and flag follow from its key.
func TestOneName(t *testing.T) {
	t.Parallel()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	for _, s := range settings() {
		if want := "MIXDUCK_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_")); s.env != want {
			t.Errorf("the variable of %s is %s, want %s", s.key, s.env, want)
		}
		Flags(flags, s.key)
		if s.flag != "" && !strings.HasSuffix(strings.NewReplacer(".", "-", "_", "-").Replace(s.key), s.flag) {
			t.Errorf("the flag of %s is --%s", s.key, s.flag)
		}
	}
}

// plainUsage returns a usage text without the quotes around the name of the value.
func plainUsage(usage string) string { return strings.ReplaceAll(usage, "`", "") }
