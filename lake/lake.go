// Package lake publishes stored days as Apache Iceberg tables, for engines that read object storage. DuckDB writes the
// Parquet files, iceberg-go commits them. It is the only package that knows Iceberg. It does not know jobs or queues.
package lake

import (
	"context"
	"errors"
	"io"
	"log" //nolint:depguard // of iceberg-go
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"

	"mixduck/internal/fault"
)

// Config says where the tables of a lake are.
type Config struct {
	CatalogFile string // of an SQLite database; absolute
	Warehouse   string // a file:// URL
	SpoolDir    string // of this process alone; Open empties it

	Retention time.Duration // how long replaced files and old snapshots are kept

	// Namespace returns the namespace of a project's tables, from its id.
	Namespace func(project string) string
}

// Lake is a catalog of Iceberg tables. It is safe for concurrent use.
type Lake struct {
	cfg     Config
	catalog catalog.Catalog
	close   func() error
	log     *slog.Logger
}

// Open opens the catalog, and creates it if necessary. Close the lake at the end.
func Open(ctx context.Context, cfg Config, logger *slog.Logger) (*Lake, error) {
	log.SetOutput(io.Discard)                          // iceberg-go logs there that old metadata is gone already
	if err := os.RemoveAll(cfg.SpoolDir); err != nil { // of a killed run
		return nil, err
	}
	if err := os.MkdirAll(cfg.SpoolDir, 0o700); err != nil {
		return nil, fault.Usage("use a data directory that this user can write to", "%w", err)
	}
	syncLocalFiles()
	c, closeCatalog, err := openCatalog(ctx, cfg.CatalogFile, cfg.Warehouse)
	if err != nil {
		return nil, err
	}
	return &Lake{cfg: cfg, catalog: c, close: closeCatalog, log: logger}, nil
}

// Close closes the catalog.
func (l *Lake) Close() error { return errors.Join(l.close(), os.RemoveAll(l.cfg.SpoolDir)) }

// identifier returns the name of the lake table for a table of a project.
func (l *Lake) identifier(project, name string) table.Identifier {
	return table.Identifier{l.cfg.Namespace(project), name}
}

// spoolFile returns the path of a new file in the spool.
func (l *Lake) spoolFile(name string) string { return filepath.Join(l.cfg.SpoolDir, name) }
