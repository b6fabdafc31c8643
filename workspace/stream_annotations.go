package workspace

import (
	"context"

	"mixduck/internal/day"
	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// annotations is the stream of notes that people have added at points in time.
func annotations() streamSource {
	return streamSource{
		name: stream.Annotations,
		tables: func(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			return []storage.Keyed{{Name: r.Table, Columns: columns(1, "id", "BIGINT", "date", "TIMESTAMP", "description", "VARCHAR",
				"user_name", "VARCHAR", "user_id", "VARCHAR", "tags", "JSON", "raw", "JSON")}}, nil
		},
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			all, fetchedAt, err := fetchList(ctx, f, ledger{}, func() ([]mixpanel.Annotation, error) {
				return f.source.Annotations(ctx, f.cfg.Project.ID, day.Range{})
			})
			var rows list
			for _, a := range all {
				rows = append(rows, [][]byte{
					number(a.ID), text(a.Date), text(a.Description), text(a.User), text(a.UserID), texts(a.Tags), a.Raw,
				})
			}
			return []harvest{rows.harvest(fetchedAt)}, err
		},
	}
}
