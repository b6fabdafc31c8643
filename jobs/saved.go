package jobs

import (
	"time"
	"unicode"
	"unicode/utf8"

	"mixduck/internal/fault"
)

// SavedQuestion is a query that somebody has saved under a name. Its JSON form is stored: fields are only ever added.
type SavedQuestion struct {
	Name     string              `json:"name"`
	Database string              `json:"database"`           // volume/relative path
	Question string              `json:"question,omitempty"` // instead of SQL: the name of a ready-made question
	SQL      string              `json:"sql,omitempty"`
	Params   map[string][]string `json:"params,omitempty"` // values of $name
	SavedAt  time.Time           `json:"saved_at"`
	Removed  bool                `json:"removed,omitempty"` // it only says that the question was removed at SavedAt
}

// MaxSavedBytes is the size of all saved questions together, as JSON.
const MaxSavedBytes = 256 << 10

const (
	maxQuestionName = 100                 // characters
	removedLasts    = 90 * 24 * time.Hour // how long it is known that a question was removed
)

// ErrNoQuestion means that no question has been saved under a name.
var ErrNoQuestion = fault.New(fault.CodeNotFound, "look at the list of saved questions", "there is no such saved question")

// Validate checks the question, except for its SQL. Errors have [fault.CodeUsage].
func (s SavedQuestion) Validate() error {
	switch {
	case s.Name == "":
		return fault.Usage("Revenue by plan", "the question needs a name")
	case !utf8.ValidString(s.Name) || utf8.RuneCountInString(s.Name) > maxQuestionName:
		return fault.Usage("use a shorter one", "the name of a question has at most %d characters", maxQuestionName)
	case s.SQL == "" && s.Question == "":
		return fault.Usage("write a statement first", "there is nothing to save")
	}
	for _, r := range s.Name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return fault.Usage("remove it", "the name of the question has a character that nobody sees")
		}
	}
	return nil
}

// Forgotten reports whether the question was removed so long ago that nothing needs to know it any more.
func (s SavedQuestion) Forgotten(now time.Time) bool {
	return s.Removed && now.Sub(s.SavedAt) > removedLasts
}
