package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"fmt"
	"io/fs"

	"mixduck/internal/fault"
)

// boot runs these statements on every new connection, in this order.
func boot(execer driver.ExecerContext) error {
	for _, q := range []string{
		"SET TimeZone = 'UTC'",
		"SET preserve_insertion_order = false", // otherwise the table function of a load runs on one thread
	} {
		if _, err := execer.ExecContext(context.Background(), q, nil); err != nil {
			return err
		}
	}
	return nil
}

//go:embed schema/*.sql
var schemaFiles embed.FS

// migrations returns the steps of the schema: step n leads to version n.
func migrations() ([]string, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]string, len(names))
	for i, name := range names {
		b, err := schemaFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps[i] = string(b)
	}
	return steps, nil
}

// migrate updates the schema to the newest version in one transaction, so a crash leaves the old one. It returns the
// renamed tables of another program, see [moveAside].
func migrate(ctx context.Context, db *sql.DB, adopt bool) (moved []string, err error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	version, err := schemaVersion(ctx, db)
	if err != nil || version == len(steps) {
		return nil, err
	}
	if version > len(steps) {
		return nil, newerSchema(version, len(steps))
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do
	if version == 0 {
		if moved, err = moveAside(ctx, tx, adopt); err != nil {
			return nil, err
		}
		const first = "CREATE SCHEMA mixduck; CREATE TABLE mixduck.schema_version (version INTEGER NOT NULL); INSERT INTO mixduck.schema_version VALUES (0)"
		if _, err := tx.ExecContext(ctx, first); err != nil {
			return nil, err
		}
	}
	for i, step := range steps[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return nil, fmt.Errorf("schema version %d: %w", version+i+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE mixduck.schema_version SET version = ?", len(steps)); err != nil {
		return nil, err
	}
	return moved, tx.Commit()
}

// checkSchema returns an error if the schema is newer than this reader knows.
func checkSchema(ctx context.Context, db *sql.DB) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, db)
	if err == nil && version > len(steps) {
		err = newerSchema(version, len(steps))
	}
	return err
}

// schemaVersion returns 0 if Mixduck has not written to the database yet.
func schemaVersion(ctx context.Context, db *sql.DB) (version int, err error) {
	if found, err := hasTable(ctx, db, "schema_version"); err != nil || !found {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT version FROM mixduck.schema_version").Scan(&version)
	return version, err
}

func newerSchema(found, known int) error {
	return fault.New(fault.CodeFailed, "install the newest Mixduck",
		"a newer Mixduck wrote the database (schema version %d; this version supports %d)", found, known)
}
