package workspace

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// profileLine is a profile as [Workspace.WriteProfiles] writes it.
type profileLine struct {
	DistinctID string          `json:"distinct_id"`
	LastSeen   string          `json:"last_seen"` // in Mixpanel's format; "" if missing
	Properties json.RawMessage `json:"properties"`
}

// WriteProfiles writes the profiles of [Workspace.StreamProfiles] as lines of JSON: an object with distinct_id, last_seen and
// properties, or with raw, the text as received. Unreadable profiles are counted and, without raw, omitted.
func (w *Workspace) WriteProfiles(ctx context.Context, r StreamRequest, raw bool, to io.Writer) (n, unreadable int64, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	n, err = w.StreamProfiles(ctx, r, func(p *Profile) error {
		if raw {
			_, err := fmt.Fprintf(out, "%s\n", p.Text)
			return err
		}
		if bad := p.Reason; bad != nil {
			unreadable++
			return nil //nolint:nilerr // it is counted
		}
		properties := json.RawMessage(p.Properties)
		if properties == nil {
			properties = json.RawMessage("{}")
		}
		return lines.Encode(profileLine{p.DistinctID, p.LastSeen, properties})
	})
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return n, unreadable, err
}
