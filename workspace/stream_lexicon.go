package workspace

import (
	"context"

	"mixduck/internal/stream"
	"mixduck/mixpanel"
	"mixduck/storage"
)

// lexicon is the stream of Lexicon's information about events, profiles and their properties.
func lexicon() streamSource {
	return streamSource{
		name: stream.Lexicon,
		tables: func(_ *Workspace, r *StreamRequest) ([]storage.Keyed, error) {
			return []storage.Keyed{
				{Name: r.Table, Columns: columns(2, "kind", "VARCHAR", "name", "VARCHAR", "display_name", "VARCHAR", "description", "VARCHAR",
					"tags", "JSON", "hidden", "BOOLEAN", "dropped", "BOOLEAN", "source", "VARCHAR", "contacts", "JSON", "team_contacts", "JSON", "raw", "JSON")},
				{Name: secondTable(stream.Lexicon, r.Table), Stream: "lexicon_properties", Columns: columns(3, "kind", "VARCHAR", "entity", "VARCHAR", "name", "VARCHAR",
					"type", "VARCHAR", "display_name", "VARCHAR", "description", "VARCHAR", "hidden", "BOOLEAN", "dropped", "BOOLEAN", "raw", "JSON")},
			}, nil
		},
		ask: func(ctx context.Context, f *refreshing) ([]harvest, error) {
			all, fetchedAt, err := fetchList(ctx, f, f.lookedUp(), func() ([]mixpanel.LexiconEntry, error) {
				return f.source.Lexicon(ctx, f.cfg.Project.ID)
			})
			var entries, properties list
			for _, e := range all {
				entries = append(entries, [][]byte{
					[]byte(e.Kind), []byte(e.Name), text(e.DisplayName), text(e.Description), texts(e.Tags), boolean(e.Hidden), boolean(e.Dropped),
					text(e.Source), texts(e.Contacts), texts(e.TeamContacts), e.Raw,
				})
				for _, p := range e.Properties {
					properties = append(properties, [][]byte{
						[]byte(e.Kind), []byte(e.Name), []byte(p.Name), text(p.Type), text(p.DisplayName), text(p.Description),
						boolean(p.Hidden), boolean(p.Dropped), p.Raw,
					})
				}
			}
			return []harvest{entries.harvest(fetchedAt), properties.harvest(fetchedAt)}, err
		},
	}
}
