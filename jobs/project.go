package jobs

// ProjectInfo is what a worker says of a project that it knows. It holds no credentials. Its JSON form is stored: fields
// are only ever added.
type ProjectInfo struct {
	Name     string      `json:"name"`
	ID       int64       `json:"id"`
	Zone     string      `json:"zone"`              // IANA
	Shifted  bool        `json:"shifted,omitempty"` // it stores its wall clock as "time"
	Database string      `json:"database"`          // that of its tables if none is named; with the volume
	Tables   []TableInfo `json:"tables,omitempty"`
}

// TableInfo says what a table of a project is filled with if nobody says otherwise.
type TableInfo struct {
	Name    string   `json:"name"`
	Events  []string `json:"events,omitempty"`
	Where   string   `json:"where,omitempty"`
	Promote string   `json:"promote,omitempty"`
}
