package budget

import (
	"strings"
	"time"
)

// API is a part of Mixpanel with separate rate limits.
type API string

// The numbers come from Mixpanel's documentation of rate limits: 60 exports an hour; 60 queries an hour, 5 at once; 5
// requests a minute for Lexicon.
const (
	Export  API = "export"
	Query   API = "query"
	Lexicon API = "lexicon"
)

// Limits returns the limits of an API, minus a tenth that is left for people and other tools. For exports the limit is
// perHour.
func (a API) Limits(perHour int) Config {
	switch a {
	case Query:
		return Config{PerPeriod: 54, AtOnce: 5}
	case Lexicon:
		return Config{PerPeriod: 4, Period: time.Minute, AtOnce: 2}
	case Export:
	}
	return Config{PerPeriod: perHour}
}

// Of returns the name that a project's requests to this API are counted under.
func (a API) Of(project string) string {
	if a == Export {
		return project
	}
	return project + "/" + string(a)
}

// split is the reverse of [API.Of].
func split(name string) (project string, api API) {
	project, rest, found := strings.Cut(name, "/")
	if !found {
		return project, Export
	}
	return project, API(rest)
}
