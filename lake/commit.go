package lake

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/table"

	"mixduck/internal/day"
	"mixduck/internal/fault"
	"mixduck/lake/plan"
)

// maxTries limits how often a commit is tried. Each failure usually means that another process has committed.
const maxTries = 50

// commit makes the days visible, all at once. After any error, it looks at what the table is now: the commit may have
// succeeded, or another process may have been faster. Catalogs do not say which errors mean what.
func (p *publisher) commit(ctx context.Context, all []*copied) error {
	for try := 0; ; try++ {
		s, err := p.look(ctx, all)
		if err == nil && len(s.left) > 0 {
			err = s.replace(ctx, p.r)
		}
		if err == nil {
			p.committed(all)
			return nil
		}
		if _, fenced := errors.AsType[*FencedError](err); fenced || try == maxTries || fault.CodeOf(err) == fault.CodeExists {
			return err
		}
		p.log.LogAttrs(ctx, slog.LevelDebug, "a commit to the lake is tried again", slog.String("table", p.out.Table), slog.Any("err", err))
		if err := wait(ctx, try); err != nil {
			return err
		}
	}
}

// standing is what a lake table has of some days.
type standing struct {
	table   *table.Table
	records plan.Records
	files   []iceberg.DataFile // of days in left
	left    []*copied          // not committed yet, and not older than what the table has
}

// look compares days with the lake table. Uploaded files that are not needed stay: an older snapshot can name them.
func (p *publisher) look(ctx context.Context, all []*copied) (s standing, err error) {
	if s.table, s.records, err = p.load(ctx, p.id, p.owner); err != nil {
		return s, err
	}
	if s.table == nil {
		return s, fault.New(fault.CodeExists, "publish again", "the lake table %s was dropped meanwhile", p.out.Table)
	}
	days := map[day.Day]bool{}
	for _, c := range all {
		days[c.Day] = true
	}
	files, err := filesOf(ctx, s.table, days)
	if err != nil {
		return s, err
	}
	current := map[string]bool{}
	for _, f := range files {
		current[f.FilePath()] = true
	}
	for _, c := range all {
		switch has := s.records[c.Day]; {
		case c.file != nil && current[c.file.FilePath()]: // the answer to our commit was lost
		case has.LoadedAt.After(c.LoadedAt):
		default:
			s.left = append(s.left, c)
			continue
		}
		delete(days, c.Day)
	}
	for _, f := range files {
		if d, err := dayOf(s.table, f); err != nil {
			return s, err
		} else if days[d] {
			s.files = append(s.files, f)
		}
	}
	if len(s.left) > 0 {
		err = checkFence(s.table, p.r.Fence)
	}
	return s, err
}

// replace commits the files and records of the days that are left, in place of those that the table has.
func (s standing) replace(ctx context.Context, r Request) error {
	var changed []day.Day
	var added []iceberg.DataFile
	for _, c := range s.left {
		changed = append(changed, c.Day)
		if c.file != nil {
			added = append(added, c.file)
		}
		s.records[c.Day] = c.Published
	}
	tx := s.table.NewTransaction()
	if err := tx.AssertRefSnapshotID(table.MainBranch); err != nil { // nothing may change between looking and replacing
		return err
	}
	properties := iceberg.Properties(s.records.Properties(changed))
	if r.Fence != 0 {
		properties[propertyFence] = strconv.FormatInt(r.Fence, 10)
	}
	if err := tx.SetProperties(properties); err != nil {
		return err
	}
	summary := iceberg.Properties{"mixduck.attempt": r.Attempt, "mixduck.days": strconv.Itoa(len(s.left))}
	if err := tx.ReplaceDataFilesWithDataFiles(ctx, s.files, added, summary, table.WithoutAutoNameMapping(), table.WithoutDuplicateCheck()); err != nil {
		return err
	}
	_, err := tx.Commit(ctx)
	return err
}

// committed counts days that are in the lake now.
func (p *publisher) committed(all []*copied) {
	for _, c := range all {
		p.out.Days++
		p.out.Rows += c.Rows
		if c.file != nil {
			p.out.Bytes += c.file.FileSizeBytes()
		}
	}
	p.report(p.out.Progress)
}

// wait waits a random time that grows with the number of failed tries.
func wait(ctx context.Context, try int) error {
	timer := time.NewTimer(rand.N(20 * time.Millisecond << min(try, 6)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
