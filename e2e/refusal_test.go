package e2e

import (
	"testing"

	"mixduck/mixpanel/mixpaneltest"
)

func TestBadCredentials(t *testing.T) {
	t.Parallel()
	days := dates(t, "2025-11-01", "2025-11-20")
	t.Run("a wrong secret", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded, newMixpanel(t, 10))
		s.set("MP_SECRET=wrong")
		s.startWorker(t)
		r := s.enqueue(t, append(fetchArgs(days), "--wait")...)
		r.mustFail(t, 2, "Invalid service account credentials", "MP_SECRET")
		if j := r.job(t); j.State != "failed" || j.Attempts != 1 || j.Error.Code != "authentication_failed" {
			t.Errorf("job = %+v, want one attempt", j)
		}
		if n := len(s.mixpanel.Requests()); n > 6 {
			t.Errorf("Mixpanel was asked %d times", n)
		}
	})
	t.Run("no access to the project", func(t *testing.T) {
		t.Parallel()
		s := newEmbeddedSite(t, 10)
		s.enqueue(t, append(fetchArgs(days), "--wait", "--project", "999")...).mustFail(t, 2, "Unable to authenticate", "project")
	})
	t.Run("none at all", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, embedded, newMixpanel(t, 10))
		s.set("MP_USERNAME=", "MP_SECRET=")
		command(t, s.env, "worker", append([]string{"run"}, s.where()...)...).mustFail(t, 2, "MP_USERNAME and MP_SECRET")
	})
}

func TestWrongRegion(t *testing.T) {
	t.Parallel()
	m := mixpaneltest.Start(t, mixpaneltest.Config{
		Projects: []mixpaneltest.Project{newProject(projectID, "eu", 10)}, Region: "us", Limits: mixpaneltest.Limits{Off: true},
	})
	s := newSite(t, embedded, m)
	s.startWorker(t)
	r := s.enqueue(t, append(fetchArgs(dates(t, "2025-11-01", "2025-11-20")), "--wait", "--max-attempts", "2")...)
	r.mustFail(t, 1, "terminated early", "region")
	if j := r.job(t); j.Rows != 0 || j.Attempts != 2 {
		t.Errorf("job = %+v, want two attempts and no rows", j)
	}
	if n := len(m.Requests()); n > 40 {
		t.Errorf("Mixpanel was asked %d times", n)
	}
}

func TestPermanentRefusalsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind mixpaneltest.Kind
		code int
		text string
	}{
		{mixpaneltest.Status402, 1, "plan"},
		{mixpaneltest.Status403, 3, "days"},
		{mixpaneltest.Status404, 4, "project id"},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			t.Parallel()
			s := newEmbeddedSite(t, 10)
			s.inject(t, mixpaneltest.Fault{Kind: tt.kind})
			r := s.enqueue(t, append(fetchArgs(dates(t, "2025-11-01", "2025-11-20")), "--wait")...)
			r.mustFail(t, tt.code, tt.text)
			if j := r.job(t); j.Attempts != 1 || len(s.mixpanel.Requests()) > 6 {
				t.Errorf("%d attempts and %d requests, want one attempt", j.Attempts, len(s.mixpanel.Requests()))
			}
		})
	}
}

func TestServerTroubleIsRiddenOut(t *testing.T) {
	t.Parallel()
	s := newEmbeddedSite(t, 50)
	days := dates(t, "2025-11-01", "2025-11-08")
	for _, kind := range []mixpaneltest.Kind{
		mixpaneltest.Status500, mixpaneltest.Bare429, mixpaneltest.ResetAtOnce, mixpaneltest.TerminatedEarly, mixpaneltest.CutConnection,
		mixpaneltest.MissingGzipTrailer, mixpaneltest.HalfLine,
	} {
		s.inject(t, mixpaneltest.Fault{Kind: kind, Times: 1})
	}
	s.fetch(t, days)
	s.checkEvents(t, days)
}
