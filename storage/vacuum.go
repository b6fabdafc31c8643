package storage

import (
	"context"
	"database/sql"
)

// holdVacuum keeps checkpoints from merging row groups, until [allowVacuum]. Each thread of a load leaves an incomplete
// row group. By default, the next checkpoint merges them, and compresses rows again that were just written: with windows
// of 140,000 rows this took a fifth of the load, and left free blocks of a third of the file. Row groups without any
// remaining rows are freed in any case.
func holdVacuum(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "SET GLOBAL max_vacuum_tasks = 0")
	return err
}

// allowVacuum ends [holdVacuum] until the database is closed. A write that removes rows calls it, because then merging
// frees their space.
func allowVacuum(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "RESET GLOBAL max_vacuum_tasks")
	return err
}
