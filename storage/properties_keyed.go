package storage

import "context"

// sampleRows is the number of rows in which examples are looked for after rows were removed.
const sampleRows = 2048

// countOld counts the properties of the rows that will be replaced or removed. They are taken from the catalogue.
func (r *refresh) countOld(ctx context.Context) error {
	if r.Table.properties() < 0 {
		return nil
	}
	r.properties = newPropertyCounts()
	var uncounted bool
	err := r.conn.QueryRowContext(ctx, "SELECT count(*) > 0 FROM mixduck.uncounted WHERE table_name = ?", r.Table.Name).Scan(&uncounted)
	if err != nil || uncounted {
		r.properties = nil
		return err
	}
	if r.receipt.Updated+r.receipt.Removed == 0 {
		return nil
	}
	old, err := countProperties(ctx, r.conn, r.quoted, true, "rowid IN (SELECT row_id FROM mixduck_changes WHERE row_id IS NOT NULL)")
	if err != nil {
		return err
	}
	if old.hasOther() {
		r.properties = nil
		return nil
	}
	r.properties.merge(old, -1)
	return nil
}

// countNew adds the properties of the rows that a feed has inserted.
func (r *refresh) countNew(f *keyedFeed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.censuses {
		switch {
		case r.properties == nil:
		case c.Full():
			r.properties = nil
		default:
			r.properties.addKeyed(c)
		}
	}
}

// catalogue updates the catalogue of properties. It counts the current versions of rows.
func (r *refresh) catalogue(ctx context.Context) error {
	if r.Table.Stream == lexiconProperties {
		return r.describe(ctx)
	}
	if r.Table.properties() < 0 || r.receipt.Added+r.receipt.Updated+r.receipt.Removed == 0 && r.properties != nil {
		return nil
	}
	p := r.properties
	if p != nil {
		stored, err := storedProperties(ctx, r.conn, r.Table.Name, nil)
		if err != nil {
			return err
		}
		p.merge(stored, 1)
		if stored.hasOther() || p.exceeds() {
			p = nil
		}
	}
	if p == nil {
		var err error
		if p, err = countProperties(ctx, r.conn, r.quoted, true, r.Table.current()); err != nil {
			return err
		}
	} else if r.receipt.Updated+r.receipt.Removed > 0 {
		if err := r.findExamples(ctx, p); err != nil {
			return err
		}
	}
	return replaceProperties(ctx, r.conn, r.Table.Name, nil, p, r.receipt.Updated+r.receipt.Removed == 0)
}

// findExamples looks for examples in some rows, because the stored ones may be from rows that are gone.
func (r *refresh) findExamples(ctx context.Context, p *propertyCounts) error {
	sample, err := countProperties(ctx, r.conn, r.quoted, true,
		"rowid IN (SELECT rowid FROM main."+r.quoted+" WHERE "+r.Table.current()+" LIMIT ?)", sampleRows)
	if err != nil {
		return err
	}
	for key, example := range sample.examples {
		if _, has := p.examples[key]; !has && p.rows[key] > 0 {
			p.examples[key] = example
		}
	}
	return nil
}

// lexiconProperties is the stream of Lexicon's descriptions of properties.
const lexiconProperties = "lexicon_properties"

// describe copies the descriptions of properties into the catalogue.
func (r *refresh) describe(ctx context.Context) error {
	if err := r.exec(ctx, "DELETE FROM mixduck.property_descriptions WHERE table_name = ?", r.Table.Name); err != nil {
		return err
	}
	return r.exec(ctx, "INSERT INTO mixduck.property_descriptions SELECT ?, ?, kind, entity, name, description FROM "+r.quoted+
		" WHERE description <> '' AND "+r.Table.current(), r.Table.Name, r.Table.Project)
}
