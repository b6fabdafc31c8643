package jobs

import (
	"mixduck/internal/fault"
	"mixduck/internal/question"
)

// Ask makes a query ask Mixpanel instead of the database, which is not opened. The answer is its rows. Fields are only
// ever added.
type Ask struct {
	Project string `json:"project"` // name in the configuration, or Mixpanel project ID
	question.Question
}

func (a *Ask) validate() error {
	if a.Project == "" {
		return fault.Usage("name a project", "there is no project to ask")
	}
	return a.Check()
}
