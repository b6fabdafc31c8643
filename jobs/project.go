package jobs

import "strconv"

// ProjectInfo is what a worker publishes about a project. It holds no credentials. Its JSON form is stored: fields are
// only ever added.
type ProjectInfo struct {
	Name     string      `json:"name"`
	ID       int64       `json:"id"`
	Zone     string      `json:"zone"`              // IANA name
	Shifted  bool        `json:"shifted,omitempty"` // it stores wall-clock time as "time"
	Database string      `json:"database"`          // default for its tables; with the volume
	Tables   []TableInfo `json:"tables,omitempty"`
}

// TableInfo holds the defaults for a table of a project.
type TableInfo struct {
	Name    string   `json:"name"`
	Events  []string `json:"events,omitempty"`
	Where   string   `json:"where,omitempty"`
	Promote string   `json:"promote,omitempty"`
}

// Called reports whether this is the name or the ID of the project.
func (p *ProjectInfo) Called(name string) bool {
	return p.Name == name || strconv.FormatInt(p.ID, 10) == name
}

// Table returns the defaults for a table, which may be none.
func (p *ProjectInfo) Table(name string) TableInfo {
	for _, t := range p.Tables {
		if t.Name == name {
			return t
		}
	}
	return TableInfo{Name: name}
}
