package lake

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"
)

// propertyExpired is when snapshots were last expired, in Unix seconds.
const propertyExpired = "mixduck.expired"

// expireEvery is how often snapshots are expired, if they are not kept for a shorter time.
const expireEvery = 24 * time.Hour

// expire deletes snapshots that are older than the retention, and the files that only they name, about once a day. The
// current snapshot stays, however old it is. now is the present time.
func (l *Lake) expire(ctx context.Context, t *table.Table, now time.Time) error {
	last, err := strconv.ParseInt(t.Properties().Get(propertyExpired, "0"), 10, 64)
	if err != nil {
		return fmt.Errorf("property %s of the lake table: %w", propertyExpired, err)
	}
	if now.Sub(time.Unix(last, 0)) < min(expireEvery, l.cfg.Retention) {
		return nil
	}
	tx := t.NewTransaction()
	if err := tx.SetProperties(iceberg.Properties{propertyExpired: strconv.FormatInt(now.Unix(), 10)}); err != nil {
		return err
	}
	if err := tx.ExpireSnapshots(table.WithOlderThan(l.cfg.Retention), table.WithRetainLast(1), table.WithPostCommit(true)); err != nil {
		return err
	}
	_, err = tx.Commit(ctx)
	return err
}
