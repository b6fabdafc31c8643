package mixpanel_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mixduck/mixpanel"
	"mixduck/mixpanel/mixpaneltest"
)

// Packed pages are the same as others, and are used only until something changes.
func TestPackedPagesAreTheSame(t *testing.T) {
	t.Parallel()
	for filter, tt := range filters() {
		t.Run(filter, func(t *testing.T) {
			t.Parallel()
			fake, c := site(t, func(cfg *mixpaneltest.Config) { cfg.Projects[0].PageSize = 25 })
			tt.q.Project, tt.want.Project = 12345, 12345
			if err := fake.PackProfiles(tt.want); err != nil {
				t.Fatal(err)
			}
			for _, edit := range []func() error{
				func() error { return nil },
				func() error { return fake.PutMember(12345, 7, "one more") },
				func() error {
					_, err := fake.ChangeProfiles(12345, "", 3)
					return err
				},
			} {
				if err := edit(); err != nil {
					t.Fatal(err)
				}
				want, err := fake.Profiles(tt.want)
				if err != nil {
					t.Fatal(err)
				}
				got, err := readPages(t.Context(), c, tt.q, nil)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%v (-truth +got):\n%s", err, diff)
				}
			}
		})
	}
}

func TestPackedMembersEndWithTheirCohort(t *testing.T) {
	t.Parallel()
	fake, c := site(t, nil)
	q := mixpanel.EngageQuery{Project: 12345, Cohort: 7}
	if err := errors.Join(fake.PackProfiles(mixpaneltest.ProfileAsk{Project: 12345, Cohort: 7}), fake.DeleteCohort(12345, 7)); err != nil {
		t.Fatal(err)
	}
	if got, err := readPages(t.Context(), c, q, nil); err == nil {
		t.Errorf("%d members of a cohort that was deleted", len(got.Rows))
	}
}

func TestNumericIDsAreText(t *testing.T) {
	t.Parallel()
	ids := []string{"0", "007", "4", "9007199254740993", "-1", "1e3", "x"}
	fake, c := site(t, func(cfg *mixpaneltest.Config) {
		var all mixpaneltest.Profiles
		for _, id := range ids {
			all = append(all, mixpaneltest.Profile{DistinctID: id, Properties: "{}"})
		}
		cfg.Projects[0].Profiles, cfg.Projects[0].NumericIDs = all, true
	})
	want, err := fake.Profiles(mixpaneltest.ProfileAsk{Project: 12345})
	if err != nil {
		t.Fatal(err)
	}
	got, err := readPages(t.Context(), c, mixpanel.EngageQuery{Project: 12345}, nil)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || len(got.Rows) != len(ids) {
		t.Errorf("%v (-truth +got):\n%s", err, diff)
	}
}
