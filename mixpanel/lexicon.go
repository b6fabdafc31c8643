package mixpanel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// LexiconEntry is Lexicon's information about an event, or about profiles. The names are those of Mixpanel's OpenAPI
// description of the Lexicon Schemas API.
type LexiconEntry struct {
	Kind         string // event or profile; other kinds may exist
	Name         string
	DisplayName  string // "" for none
	Description  string
	Tags         []string
	Hidden       bool
	Dropped      bool // Mixpanel does not ingest the event
	Source       string
	Contacts     []string
	TeamContacts []string
	Properties   []LexiconProperty // by name
	Raw          json.RawMessage   // the exact text
}

// LexiconProperty is Lexicon's information about a property of an event or a profile.
type LexiconProperty struct {
	Name        string
	Type        string // array, boolean, integer, null, number, object or string; JSON if there are several
	DisplayName string
	Description string
	Hidden      bool
	Dropped     bool
	Raw         json.RawMessage // the exact text
}

// Lexicon returns Lexicon's entries. Mixpanel allows 5 requests per minute for all projects of an organization.
// Lexicon delays requests so that this client stays below that limit for each project. For errors, see
// [Client.EventNames].
func (c *Client) Lexicon(ctx context.Context, project int64) ([]LexiconEntry, error) {
	p := newParams(project)
	to := c.app("schemas", p)
	to.limit, to.enter = "5 requests a minute", c.lexicon.enter
	return ask(ctx, c, to, p, readResults(readLexiconEntry))
}

// lexiconMetadata is Mixpanel's addition to a JSON schema.
type lexiconMetadata struct {
	Mixpanel struct {
		Source       looseText `json:"$source"`
		DisplayName  looseText `json:"displayName"`
		Tags         []string  `json:"tags"`
		Hidden       looseBool `json:"hidden"`
		Dropped      looseBool `json:"dropped"`
		Contacts     []string  `json:"contacts"`
		TeamContacts []string  `json:"teamContacts"`
	} `json:"com.mixpanel"`
}

func readLexiconEntry(raw json.RawMessage) (LexiconEntry, string, error) {
	var sent struct {
		Kind   string    `json:"entityType"`
		Name   looseText `json:"name"`
		Schema *struct {
			Description looseText                  `json:"description"`
			Properties  map[string]json.RawMessage `json:"properties"`
			Metadata    lexiconMetadata            `json:"metadata"`
		} `json:"schemaJson"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return LexiconEntry{}, "", err
	}
	if sent.Kind == "" || sent.Schema == nil {
		return LexiconEntry{}, "", errors.New("no entityType or no schemaJson")
	}
	m := sent.Schema.Metadata.Mixpanel
	e := LexiconEntry{
		Kind: sent.Kind, Name: string(sent.Name), DisplayName: string(m.DisplayName), Description: string(sent.Schema.Description),
		Tags: m.Tags, Hidden: bool(m.Hidden), Dropped: bool(m.Dropped), Source: string(m.Source),
		Contacts: m.Contacts, TeamContacts: m.TeamContacts, Raw: raw,
	}
	for name, text := range sent.Schema.Properties {
		p, err := readLexiconProperty(name, text)
		if err != nil {
			return LexiconEntry{}, "", fmt.Errorf("property %q: %w", name, err)
		}
		e.Properties = append(e.Properties, p)
	}
	slices.SortFunc(e.Properties, func(a, b LexiconProperty) int { return strings.Compare(a.Name, b.Name) })
	return e, e.Kind + "\x00" + e.Name, nil
}

func readLexiconProperty(name string, raw json.RawMessage) (LexiconProperty, error) {
	var sent struct {
		Type        json.RawMessage `json:"type"`
		Description looseText       `json:"description"`
		Metadata    lexiconMetadata `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		return LexiconProperty{}, err
	}
	m := sent.Metadata.Mixpanel
	return LexiconProperty{
		name, rawText(sent.Type), string(m.DisplayName), string(sent.Description), bool(m.Hidden), bool(m.Dropped), raw,
	}, nil
}
