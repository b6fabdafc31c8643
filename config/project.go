package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for containers without zone data

	"mixduck/internal/fault"
	"mixduck/internal/name"
	"mixduck/internal/promotion"
	"mixduck/internal/secret"
)

// Project is a Mixpanel project.
type Project struct {
	Name     string // its key in the file; the ID if there are only MP_* variables
	ID       int64
	Region   string
	Location *time.Location
	Shifted  bool // it stores wall-clock time as "time", as projects from before 2023 do
	Username string
	Secret   secret.String
	Database string // volume/relative path; always with the volume
	Snapshot Snapshot
	Model    bool    // fetches create and extend the typed views
	Tables   []Table // those with filters or promoted properties
}

// String returns the name, and the ID if it differs.
func (p Project) String() string {
	if id := strconv.FormatInt(p.ID, 10); p.Name != id && p.ID != 0 {
		return p.Name + " (" + id + ")"
	}
	return p.Name
}

// Table returns the settings of a table, which may be empty.
func (p Project) Table(named string) Table {
	for _, t := range p.Tables {
		if strings.EqualFold(t.Name, named) {
			return t
		}
	}
	return Table{Name: named}
}

// Table says which events go into a table, and which properties get columns.
type Table struct {
	Name    string
	Events  []string // only these names; empty means all
	Where   string   // a Mixpanel expression
	Promote string   // properties, in the form of [promotion.Parse]
}

// Find returns the project with the given name or ID; if named is "", the only project. Its errors have
// [fault.CodeUsage] and list the projects.
func Find(all []Project, named string) (Project, error) {
	switch {
	case named == "" && len(all) == 1:
		return all[0], nil
	case named == "" && len(all) == 0:
		return Project{}, fault.Usage("set MP_PROJECT_ID, or use --project", "no project given")
	case named == "":
		return Project{}, fault.Usage("use --project NAME", "there are several projects, choose one: %s", projectNames(all))
	}
	i := slices.IndexFunc(all, func(p Project) bool { return p.Name == named || strconv.FormatInt(p.ID, 10) == named })
	if i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	if len(all) == 0 {
		return Project{}, fault.Usage("use the id from the project's settings in Mixpanel", "unknown project %q", named)
	}
	return Project{}, fault.Usage("use one of them, or its id", "unknown project %q; known: %s%s", named, projectNames(all), didYouMean(named, names))
}

func projectNames(all []Project) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

// Project returns the project with the given name or ID; if named is "", that of MP_PROJECT_ID, or the only one.
func (c *Config) Project(named string) (Project, error) {
	if named == "" && c.Fallback.ID != 0 {
		named = strconv.FormatInt(c.Fallback.ID, 10)
	}
	return Find(c.Projects, named)
}

// Named reports whether the file lists the projects.
func (c *Config) Named() bool { return c.named }

// Unlisted returns the project with an ID when no file lists projects. Its settings come from the MP_* variables.
func (c *Config) Unlisted(id int64) Project {
	p := c.Fallback
	p.Name, p.ID = strconv.FormatInt(id, 10), id
	p.Database = defaultDatabase(id)
	return p
}

func defaultDatabase(id int64) string { return fmt.Sprintf("%s/%d.db", defaultVolume, id) }

// namePattern matches names of projects and schedules. No name looks like an ID.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

func checkName(v string) error {
	if !namePattern.MatchString(v) {
		return fmt.Errorf("%q is not a valid name: use up to 63 lower-case letters, digits, - and _, starting with a letter", v)
	}
	return nil
}

// CheckProject returns an error with [fault.CodeUsage] if named cannot be the name or ID of a project.
func CheckProject(named string) error {
	id, err := strconv.ParseInt(named, 10, 64)
	if (err != nil || id <= 0) && checkName(named) != nil {
		return fault.Usage("use the id from the project's settings in Mixpanel", "%q is not the name or id of a project", named)
	}
	return nil
}

// projectSettings returns the settings of a project; env returns the variable of a key, "" for none.
func projectSettings(env func(key string) string) []setting[Project] {
	all := []setting[Project]{
		{key: "id", usage: "Mixpanel project id", needed: "it is the number in the project's settings", field: projectID()},
		{key: "region", usage: "us, eu or in; default us", field: oneOf(func(p *Project) *string { return &p.Region }, "us", "eu", "in")},
		{key: "timezone", usage: "time zone of the project, for example Europe/Berlin; default UTC", field: zone(func(p *Project) **time.Location { return &p.Location })},
		{key: "time_encoding", usage: "utc, or shifted for projects from before 2023; default utc", field: timeEncoding()},
		{key: "database", usage: "database for its tables, as volume/path.db; default main/<id>.db", field: database(func(p *Project) *string { return &p.Database })},
		{key: "snapshot", usage: "when the snapshot of the database is replaced: after-sync, at_most_every: 15m, or off; default after-sync", server: true, field: snapshot()},
		{key: "model", usage: "true: each fetch also creates and extends the typed views in the schema model; default false", server: true, field: yesNo(func(p *Project) *bool { return &p.Model })},
		{key: "username", usage: "service account", secret: true, server: true, public: func(string) error { return nil }, field: text(func(p *Project) *string { return &p.Username }, nil)},
		{key: "secret", usage: "its secret", secret: true, server: true, field: hidden(func(p *Project) *secret.String { return &p.Secret })},
	}
	for i, s := range all {
		all[i].env = env(s.key)
	}
	return all
}

// fallbackSettings returns the settings of the project that needs no file.
func fallbackSettings() []setting[Project] {
	variables := map[string]string{
		"id": "MP_PROJECT_ID", "region": "MP_REGION", "timezone": "MP_TIMEZONE", "time_encoding": "MP_TIME_ENCODING",
		"username": "MP_USERNAME", "secret": "MP_SECRET", "snapshot": "MIXDUCK_SNAPSHOT", "model": "MIXDUCK_MODEL",
	}
	all := projectSettings(func(key string) string { return variables[key] })
	return slices.DeleteFunc(all, func(s setting[Project]) bool { return s.env == "" })
}

// projectEnv returns a function that names the variables of a project in the file.
func projectEnv(project string) func(key string) string {
	return func(key string) string { return ProjectVariable(project, key) }
}

// ProjectVariable returns the environment variable for a key of a project in the file.
func ProjectVariable(project, key string) string {
	return "MIXDUCK_PROJECTS_" + strings.ToUpper(strings.ReplaceAll(project, "-", "_")+"_"+key)
}

func tableSettings() []setting[Table] {
	return []setting[Table]{
		{key: "events", usage: "only events with these names", exact: true, field: list(func(t *Table) *[]string { return &t.Events }, nil)},
		{key: "where", usage: "only events that match this Mixpanel expression", exact: true, field: text(func(t *Table) *string { return &t.Where }, nil)},
		{key: "promote", usage: "properties to promote to columns, for example amount:DOUBLE", exact: true, field: promoted(func(t *Table) *string { return &t.Promote })},
	}
}

func projectID() field[Project] {
	return field[Project]{numeric: true, show: func(p *Project) string {
		if p.ID == 0 {
			return ""
		}
		return strconv.FormatInt(p.ID, 10)
	}, set: func(p *Project, v string) error {
		id, err := strconv.ParseInt(v, 10, 64)
		if err != nil || id <= 0 {
			return fmt.Errorf("%q is not a project id; use the number from the project's settings in Mixpanel", v)
		}
		p.ID = id
		return nil
	}}
}

func zone[T any](at func(*T) **time.Location) field[T] {
	return field[T]{show: func(t *T) string { return (*at(t)).String() }, set: func(t *T, v string) error {
		loc, err := time.LoadLocation(v)
		if err != nil || v == "" || v == "Local" {
			return fmt.Errorf("unknown time zone %q; use a name like Europe/Berlin", v)
		}
		*at(t) = loc
		return nil
	}}
}

func timeEncoding() field[Project] {
	encoding := map[bool]string{false: "utc", true: "shifted"}
	return field[Project]{allowed: []string{"utc", "shifted"}, show: func(p *Project) string { return encoding[p.Shifted] }, set: func(p *Project, v string) error {
		if v != "utc" && v != "shifted" {
			return fmt.Errorf("%q is not one of utc, shifted%s", v, didYouMean(v, []string{"utc", "shifted"}))
		}
		p.Shifted = v == "shifted"
		return nil
	}}
}

// database is the name of a file in a volume. If it contains slashes, the first element is the volume.
func database[T any](at func(*T) *string) field[T] {
	return field[T]{show: func(t *T) string { return *at(t) }, set: func(t *T, v string) error {
		if !strings.Contains(v, "/") {
			v = defaultVolume + "/" + v
		}
		*at(t) = v
		return name.Target(v)
	}}
}

func promoted[T any](at func(*T) *string) field[T] {
	return field[T]{show: func(t *T) string { return *at(t) }, list: func(t *T, all []string) error {
		if slices.ContainsFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			return errors.New("the list has an empty entry")
		}
		*at(t) = strings.Join(all, ",")
		_, err := promotion.Parse(*at(t))
		return err
	}}
}
