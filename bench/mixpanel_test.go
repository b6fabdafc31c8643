package bench_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"mixduck/mixpanel/mixpaneltest"
)

// firstByte is how long the stand-in for Mixpanel takes to respond.
const firstByte = 150 * time.Millisecond

// project is a project of the stand-in. A worker sends 2.5 requests per second for each, so jobs that should not wait
// for each other need several.
type project int64

const (
	refusing project = 1   // this and the next 199 reject all days as too old
	storing  project = 201 // this and the next 49 have twenty events per day
	silent   project = 251 // never responds
)

// refusal and store return the nth project of a kind, counted from 0 and wrapping around.
func refusal(n int) project { return refusing + project(n%int(storing-refusing)) }
func store(n int) project   { return storing + project(n%int(silent-storing)) }

func onlyStoring(int) project { return storing }

func (p project) String() string { return strconv.FormatInt(int64(p), 10) }

// standIn serves these projects from this process, on the cores that the workers use.
type standIn struct {
	url   string
	asked atomic.Int64 // requests so far
}

func startMixpanel(b *testing.B) *standIn {
	b.Helper()
	cfg := mixpaneltest.Config{Limits: mixpaneltest.Limits{Off: true}}
	for p := refusing; p < silent; p++ {
		of := mixpaneltest.Project{
			ID: int64(p), Region: "us", Username: "sa", Secret: "s3cret", Data: mixpaneltest.Generator{EventsPerDay: 20},
		}
		if p < storing {
			of.MaxPastDays = 1
		}
		cfg.Projects = append(cfg.Projects, of)
	}
	m, err := mixpaneltest.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	s := &standIn{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		wait := time.After(firstByte)
		if r.FormValue("project_id") == silent.String() {
			wait = nil
		}
		select {
		case <-wait:
			m.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	b.Cleanup(server.Close)
	s.url = server.URL
	return s
}
