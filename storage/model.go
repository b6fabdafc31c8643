package storage

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// ModelResult is what [Model] has done.
type ModelResult struct {
	Views   int // of the model
	Columns int // of all views, without the common ones
	Added   int // columns
	Left    int // properties without a column, because their event has too many
	Without int // events without a view, because there are too many

	// Narrow are columns that have become too narrow for some values. With force, they have got the wider type, or the
	// type of a time that somebody has promoted.
	Narrow []NarrowColumn
}

// NarrowColumn is a column of a typed view with a type that no longer fits all values.
type NarrowColumn struct {
	View, Column string
	Type, Needed string
}

// maxModelWarnings is the maximum number of columns that warnings name.
const maxModelWarnings = 20

// Warnings returns warnings for people, one per line.
func (r *ModelResult) Warnings(forced bool) (all []string) {
	for i, n := range r.Narrow {
		switch {
		case forced:
			all = append(all, fmt.Sprintf("model.%s: column %s is now %s, not %s", n.View, n.Column, n.Needed, n.Type))
		default:
			all = append(all, fmt.Sprintf("model.%s: column %s is %s, but some values need %s and are NULL in it; 'enqueue model --force' changes its type", n.View, n.Column, n.Type, n.Needed))
		}
		if more := len(r.Narrow) - i - 1; more > 0 && i == maxModelWarnings-1 {
			all = append(all, fmt.Sprintf("%d more columns are as narrow", more))
			break
		}
	}
	if r.Without > 0 {
		all = append(all, fmt.Sprintf("%d rare events have no views, because the model has at most %d", r.Without, maxModelViews))
	}
	if r.Left > 0 {
		all = append(all, fmt.Sprintf("%d rare properties have no columns, because a view has at most %d; they are in properties", r.Left, maxModelColumns))
	}
	return all
}

// Model creates and extends the typed views in the schema model: one per event, and one per table of profiles. Columns
// are only added. A column that has become too narrow keeps its type, unless force is set; values that do not fit are
// NULL in it.
//
// First it counts the properties that older versions have loaded, some days at a time. Between these pieces the file is
// closed. For fence see [Engine.Load].
func Model(ctx context.Context, cfg Config, force bool, fence int64) (r ModelResult, err error) {
	for left := true; left; {
		err := withEngine(ctx, cfg, func(e *Engine) (err error) {
			left, err = e.countSome(ctx, fence)
			return err
		})
		if err != nil {
			return r, err
		}
	}
	err = withEngine(ctx, cfg, func(e *Engine) error {
		r, err = e.Model(ctx, force, fence)
		return err
	})
	return r, err
}

// Model is [Model] with the properties that are already counted.
func (e *Engine) Model(ctx context.Context, force bool, fence int64) (r ModelResult, err error) {
	err = e.write(ctx, fence, func(conn *sql.Conn) error {
		m, err := readModel(ctx, conn)
		if err != nil {
			return err
		}
		if err := m.readNames(ctx, conn); err != nil {
			return err
		}
		seen, err := seenProperties(ctx, conn)
		if err != nil {
			return err
		}
		r = m.extend(seen, force)
		return m.store(ctx, conn)
	})
	return r, err
}

// HasModel reports whether the database has typed views.
func (e *Engine) HasModel(ctx context.Context) (has bool, err error) {
	if known, err := e.hasTable(ctx, "model_columns"); err != nil || !known {
		return false, err
	}
	err = e.inst.db.QueryRowContext(ctx, "SELECT count(*) > 0 FROM mixduck.model_columns").Scan(&has)
	return has, err
}

// maxModelColumns is the maximum number of properties with columns in a view. The most frequent ones get them.
const maxModelColumns = 500

// maxModelViews is the maximum number of views. The most frequent events get them.
const maxModelViews = 500

// modelGroup identifies a view: an event of a table, or a keyed table.
type modelGroup struct {
	table string
	event sql.NullString
}

// modelColumn is the column of a property.
type modelColumn struct{ property, name, typ string }

// modelView is a view of the model.
type modelView struct {
	modelGroup
	name    string
	columns []modelColumn
}

// seenProperty is what the catalogue knows of a property.
type seenProperty struct {
	name  string
	rows  int64
	kinds []string
}

// model are all typed views of a database.
type model struct {
	tables   map[string]*modelTable
	views    []*modelView
	taken    map[string]bool // names of views
	reserved map[string]bool // words of SQL
}

// extend adds what was seen.
func (m *model) extend(seen map[modelGroup][]seenProperty, force bool) (r ModelResult) {
	groups, without := m.choose(seen)
	r.Without = without
	slices.SortFunc(groups, func(a, b modelGroup) int { // keyed tables first, then those named events
		return cmp.Or(boolOrder(a.event.Valid, b.event.Valid), boolOrder(a.table != events, b.table != events),
			strings.Compare(a.table, b.table), boolOrder(snake(a.event.String, "event") != a.event.String, snake(b.event.String, "event") != b.event.String),
			strings.Compare(a.event.String, b.event.String))
	})
	for _, g := range groups {
		v := m.view(g)
		added, left := m.addColumns(v, m.tables[g.table], seen[g])
		r.Added, r.Left = r.Added+added, r.Left+left
		r.Narrow = append(r.Narrow, v.widen(seen[g], force)...)
		if force {
			r.Narrow = append(r.Narrow, v.followTimes(m.tables[g.table])...)
		}
	}
	for _, v := range m.views {
		r.Views, r.Columns = r.Views+1, r.Columns+len(v.columns)
	}
	return r
}

// choose returns the groups with views, the most frequent ones if there are too many, and the number of others. Groups
// that have a view keep it.
func (m *model) choose(seen map[modelGroup][]seenProperty) (groups []modelGroup, without int) {
	var fresh []modelGroup
	rows := map[modelGroup]int64{}
	for g, properties := range seen {
		switch {
		case m.tables[g.table] == nil || strings.ContainsRune(g.event.String, 0):
		case slices.ContainsFunc(m.views, func(v *modelView) bool { return v.modelGroup == g }):
			groups = append(groups, g)
		default:
			fresh = append(fresh, g)
			for _, p := range properties {
				rows[g] = max(rows[g], p.rows)
			}
		}
	}
	slices.SortFunc(fresh, func(a, b modelGroup) int {
		return cmp.Or(boolOrder(a.event.Valid, b.event.Valid), cmp.Compare(rows[b], rows[a]), strings.Compare(a.table, b.table), strings.Compare(a.event.String, b.event.String))
	})
	if room := max(0, maxModelViews-len(m.views)); len(fresh) > room {
		without = len(fresh) - room
		fresh = fresh[:room]
	}
	return append(groups, fresh...), without
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// view returns the view of a group, a new one if there is none.
func (m *model) view(g modelGroup) *modelView {
	i := slices.IndexFunc(m.views, func(v *modelView) bool { return v.modelGroup == g })
	if i >= 0 {
		return m.views[i]
	}
	name := g.table
	switch {
	case g.event.Valid && g.table == events:
		name = g.event.String
	case g.event.Valid:
		name = g.table + " " + g.event.String
	}
	v := &modelView{modelGroup: g, name: m.free(snake(name, "event"), m.taken)}
	m.views = append(m.views, v)
	return v
}

// free returns a name that is not taken, and takes it.
func (m *model) free(base string, taken map[string]bool) string {
	if m.reserved[base] {
		base += "_"
	}
	name := base
	for n := 2; taken[name]; n++ {
		name = numbered(base, n)
	}
	taken[name] = true
	return name
}

// addColumns adds columns for properties that have none.
func (m *model) addColumns(v *modelView, t *modelTable, seen []seenProperty) (added, left int) {
	taken := map[string]bool{}
	for _, name := range t.common {
		taken[strings.ToLower(name)] = true
	}
	has := map[string]bool{}
	for _, c := range v.columns {
		taken[c.name], has[c.property] = true, true
	}
	var fresh []seenProperty
	for _, p := range seen {
		if !has[p.name] && !t.stored[p.name] && !strings.ContainsRune(p.name, 0) {
			fresh = append(fresh, p)
		}
	}
	slices.SortFunc(fresh, func(a, b seenProperty) int {
		return cmp.Or(cmp.Compare(b.rows, a.rows), strings.Compare(a.name, b.name))
	})
	if room := max(0, maxModelColumns-len(v.columns)); len(fresh) > room {
		left = len(fresh) - room
		fresh = fresh[:room]
	}
	slices.SortFunc(fresh, func(a, b seenProperty) int { // a name that needs no change keeps it
		return cmp.Or(boolOrder(snake(a.name, "property") != a.name, snake(b.name, "property") != b.name), strings.Compare(a.name, b.name))
	})
	for _, p := range fresh {
		typ := neededType(p.kinds)
		if promoted := findColumn(filled(t.promoted), p.name); promoted != nil && !promoted.auto {
			typ = string(promoted.Type)
		}
		v.columns = append(v.columns, modelColumn{p.name, m.free(snake(p.name, "property"), taken), typ})
	}
	return len(fresh), left
}

// widen returns the columns that are too narrow for what was seen.
func (v *modelView) widen(seen []seenProperty, force bool) (narrow []NarrowColumn) {
	columns := map[string]*modelColumn{} // by property
	for i := range v.columns {
		columns[v.columns[i].property] = &v.columns[i]
	}
	for _, p := range seen {
		c := columns[p.name]
		if c == nil || fits(c.typ, p.kinds) {
			continue
		}
		needed := neededType(p.kinds)
		if needed == "JSON" { // a column of texts may have been used as such
			needed = "VARCHAR"
		}
		narrow = append(narrow, NarrowColumn{View: v.name, Column: c.name, Type: c.typ, Needed: needed})
		if force {
			c.typ = needed
		}
	}
	return narrow
}

// followTimes gives columns of texts and numbers the type of a property that somebody has promoted to a time since. The
// catalogue cannot know times, see ADR 42.
func (v *modelView) followTimes(t *modelTable) (changed []NarrowColumn) {
	for i := range v.columns {
		c := &v.columns[i]
		if p := findColumn(filled(t.promoted), c.property); p != nil && !p.auto && (p.Type == "TIMESTAMP" || p.Type == "DATE") && string(p.Type) != c.typ {
			changed = append(changed, NarrowColumn{View: v.name, Column: c.name, Type: c.typ, Needed: string(p.Type)})
			c.typ = string(p.Type)
		}
	}
	return changed
}
