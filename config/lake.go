package config

import (
	"errors"
	"path"
	"strings"
	"time"
)

// Lake says where committed days are published as Apache Iceberg tables. The zero value means nowhere.
type Lake struct {
	Catalog   string        // sqlite: and the absolute path of a database
	Warehouse string        // file:// and the absolute path of a directory
	Retention time.Duration // how long replaced files and old snapshots are kept
	Publish   string        // after-sync or manual: whether fetches submit jobs that publish
}

// Set reports whether there is a lake.
func (l Lake) Set() bool { return l.Catalog != "" }

// AfterSync reports whether fetches submit jobs that publish.
func (l Lake) AfterSync() bool { return l.Set() && l.Publish == publishAfterSync }

const (
	publishAfterSync = "after-sync"
	publishManually  = "manual"
)

// CatalogFile returns the path of the SQLite database.
func (l Lake) CatalogFile() string { return strings.TrimPrefix(l.Catalog, sqliteCatalog) }

// WarehouseDir returns the directory of the warehouse.
func (l Lake) WarehouseDir() string { return strings.TrimPrefix(l.Warehouse, fileWarehouse) }

const (
	sqliteCatalog = "sqlite:"
	fileWarehouse = "file://"
)

// checkCatalog never repeats the value, which may contain a password.
func checkCatalog(v string) error {
	if file, ok := strings.CutPrefix(v, sqliteCatalog); !ok || !plainPath(file) {
		return errors.New("is not sqlite: and the absolute path of a file, for example sqlite:/data/lake/catalog.db; other catalogs are not supported yet")
	}
	return nil
}

func checkWarehouse(v string) error {
	if dir, ok := strings.CutPrefix(v, fileWarehouse); !ok || !plainPath(dir) {
		return errors.New("is not file:// and the absolute path of a directory, for example file:///data/lake/warehouse; object storage is not supported yet")
	}
	return nil
}

// plainPath reports whether p is absolute, not the root, and means the same in a URL.
func plainPath(p string) bool {
	return path.IsAbs(p) && path.Clean(p) == p && p != "/" && !strings.ContainsAny(p, "?#%")
}

// lake reports a lake that is set only in part.
func (l *loader) lake(cfg *Config) {
	for _, s := range []struct{ has, lacks, value, missing string }{
		{"lake.catalog", "lake.warehouse", cfg.Lake.Catalog, cfg.Lake.Warehouse},
		{"lake.warehouse", "lake.catalog", cfg.Lake.Warehouse, cfg.Lake.Catalog},
	} {
		if s.value != "" && s.missing == "" && l.sources[s.lacks].origin == "" {
			l.complain(s.has, l.sources[s.has], errors.New("needs "+s.lacks+" as well"))
		}
	}
}
