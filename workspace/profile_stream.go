package workspace

import (
	"context"
	"os"
	"slices"

	"mixduck/internal/answer"
	"mixduck/internal/stream"
	"mixduck/storage"
)

// Profile is a profile as received from Mixpanel.
type Profile = answer.Profile

// StreamProfiles passes the requested profiles to emit, page by page. All pages are downloaded and proved before the
// first profile is emitted. It opens no database and uses only Profiles and Since of r. A profile is valid until emit
// returns; one with a Reason could not be stored. The errors are those of [Workspace.FetchStream] and of emit.
func (w *Workspace) StreamProfiles(ctx context.Context, r StreamRequest, emit func(*Profile) error) (n int64, err error) {
	r.Stream = stream.Profiles
	s, err := r.check()
	if err != nil {
		return 0, err
	}
	if err := checkFilter(&r); err != nil {
		return 0, err
	}
	f := &refreshing{Workspace: w, req: r, stream: s, began: w.cfg.Now(), since: r.Since}
	defer os.Remove(w.cfg.SpoolDir) // if it is empty
	if err := w.clearSpool(); err != nil {
		return 0, err
	}
	defer func() { _ = w.clearSpool() }()
	h, err := f.profiles(ctx, profileQuery{EngageQuery: f.query()})
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, part := range slices.Backward(h.parts) { // if a profile is sent twice, the later one counts
		if err := emitPage(ctx, part, seen, &n, emit); err != nil {
			return n, err
		}
	}
	return n, nil
}

func emitPage(ctx context.Context, part storage.Part, seen map[string]bool, n *int64, emit func(*Profile) error) error {
	page, ok := part.(*profilePage)
	if !ok {
		return unproved("part %T is not a page", part)
	}
	text, err := page.part.open()
	if err != nil {
		return err
	}
	defer text.Close()
	for profile, err := range answer.NewPage(text, page.info.Page).All() {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case seen[profile.DistinctID] && profile.Reason == nil:
			continue
		}
		seen[profile.DistinctID] = true
		*n++
		if err := emit(profile); err != nil {
			return err
		}
	}
	return nil
}
