package config

import "strings"

// Value is an effective setting, for people to read.
type Value struct {
	Key    string `json:"key"`
	Value  string `json:"value"`  // secrets are [redacted], or "" if empty
	Origin string `json:"origin"` // default, a flag, a variable, or file:line:column
}

// Values returns all effective settings with their origins.
func (c *Config) Values() []Value { return c.values }

// values does this for complete settings.
func (l *loader) values(c *Config) []Value {
	all := []Value{{"config", c.File, l.origin("config")}}
	all = append(all, valuesOf(l, "", c, settings())...)
	if !c.named {
		all = append(all, valuesOf(l, "project.", &c.Fallback, fallbackSettings())...)
	}
	for i := range c.Projects {
		if !c.named {
			break
		}
		p := &c.Projects[i]
		prefix := "projects." + p.Name + "."
		all = append(all, valuesOf(l, prefix, p, projectSettings(projectEnv(p.Name)))...)
		for j := range p.Tables {
			all = append(all, valuesOf(l, prefix+"tables."+p.Tables[j].Name+".", &p.Tables[j], tableSettings())...)
		}
	}
	for i := range c.Schedules {
		all = append(all, valuesOf(l, "schedules."+c.Schedules[i].Name+".", &c.Schedules[i], scheduleSettings()[1:])...)
	}
	return all
}

func valuesOf[T any](l *loader, prefix string, t *T, all []setting[T]) []Value {
	var values []Value
	for _, s := range all {
		if s.server && l.client {
			continue
		}
		values = append(values, Value{prefix + s.key, strings.TrimSpace(s.show(t)), l.origin(prefix + s.key)})
	}
	return values
}

func (l *loader) origin(key string) string {
	if p := l.sources[key]; p.origin != "" {
		return p.origin
	}
	return "default"
}
