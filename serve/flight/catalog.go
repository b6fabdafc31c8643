package flight

import (
	"context"
	"path"
	"strings"

	"google.golang.org/grpc/metadata"

	"mixduck/internal/fault"
)

// catalog is a database under the name that clients know it by.
type catalog struct {
	Database
	name string // of the catalog
}

// catalogs returns all databases. The name of a catalog is the one that DuckDB gives it, so that clients can write it
// before the name of a table: that of the file without its ending. If two files have the same, it is the database's.
func (s *service) catalogs(ctx context.Context) ([]catalog, error) {
	all, err := s.databases(ctx)
	if err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, d := range all {
		count[stem(d.Name)]++
	}
	found := make([]catalog, len(all))
	for i, d := range all {
		found[i] = catalog{d, stem(d.Name)}
		if count[found[i].name] > 1 {
			found[i].name = d.Name
		}
	}
	return found, nil
}

func stem(database string) string {
	base := path.Base(database)
	return strings.TrimSuffix(base, path.Ext(base))
}

// is reports whether a client means this database: it may use the name of the catalog, of the database or of the project.
func (c catalog) is(name string) bool {
	_, rel, _ := strings.Cut(c.Name, "/")
	return name == c.name || name == c.Name || name == c.Project || name == rel && strings.HasPrefix(c.Name, "main/")
}

// databaseHeader is the header, and catalogOption the session option, with which a client chooses a database.
const (
	databaseHeader = "database"
	catalogOption  = "catalog"
)

// chosen returns what the client has chosen; "" for nothing.
func chosen(ctx context.Context) string {
	for _, header := range []string{databaseHeader, catalogOption} {
		if values := metadata.ValueFromIncomingContext(ctx, header); len(values) > 0 && values[0] != "" {
			return values[0]
		}
	}
	return sessionCatalog(ctx)
}

// choose returns the database that a client asks about.
func (s *service) choose(ctx context.Context) (catalog, error) {
	all, err := s.catalogs(ctx)
	if err != nil {
		return catalog{}, err
	}
	return pick(all, chosen(ctx))
}

func pick(all []catalog, name string) (catalog, error) {
	var names []string
	for _, c := range all {
		if name != "" && c.is(name) || name == "" && len(all) == 1 {
			return c, nil
		}
		names = append(names, c.name)
	}
	switch {
	case len(all) == 0:
		return catalog{}, fault.New(fault.CodeNotFound, "enqueue fetch events --from 7d", "this worker has no database yet")
	case name != "":
		return catalog{}, fault.New(fault.CodeNotFound, "choose one of "+strings.Join(names, ", "), "unknown database %q", name)
	}
	return catalog{}, fault.Usage("set the header database, or the catalog of the connection, to one of "+strings.Join(names, ", "),
		"this worker has %d databases, and the connection chooses none", len(all))
}
