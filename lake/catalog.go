package lake

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	sqlcatalog "github.com/apache/iceberg-go/catalog/sql"
	_ "modernc.org/sqlite" // the driver of the catalog

	"mixduck/internal/fault"
)

// catalogName is the name under which the catalog's database lists the tables. Readers of the catalog must use it.
const catalogName = "mixduck"

// openCatalog opens or creates an SQLite database with the current metadata of each table.
func openCatalog(ctx context.Context, file, warehouse string) (catalog.Catalog, func() error, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, nil, fault.Usage("use a directory that this user can write to", "lake.catalog: %w", err)
	}
	// Several processes can publish at the same time. A commit must survive a power cut, because the files of the
	// version before it are deleted after some time.
	options := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, errors.Join(fault.Usage("use a file in a directory that this user can write to", "lake.catalog %s: %w", file, err), db.Close())
	}
	c, err := sqlcatalog.NewCatalog(catalogName, db, sqlcatalog.SQLite, iceberg.Properties{"warehouse": warehouse})
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("lake.catalog %s: %w", file, err), db.Close())
	}
	return c, db.Close, nil
}
