package jobs

import (
	"mixduck/internal/fault"
	"mixduck/internal/question"
)

// Ask makes a query ask Mixpanel instead of the database, which is not opened. Its rows are the answer. Fields are only ever added.
type Ask struct {
	Project string `json:"project"` // a name of the configuration, or a Mixpanel project id
	question.Question
}

func (a *Ask) validate() error {
	if a.Project == "" {
		return fault.Usage("name a project", "there is no project to ask")
	}
	return a.Check()
}
