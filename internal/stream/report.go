package stream

import (
	"slices"
	"strconv"
	"strings"

	"mixduck/internal/fault"
)

// ParseReportIDs parses the IDs of saved reports, which must be distinct. It returns errors with [fault.CodeUsage].
func ParseReportIDs(texts ...string) ([]int64, error) {
	var ids []int64
	for _, text := range texts {
		id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return nil, notReportID(text)
		}
		ids = append(ids, id)
	}
	return ids, CheckReportIDs(ids)
}

// CheckReportIDs rejects IDs that are not positive, or not distinct. It returns errors with [fault.CodeUsage].
func CheckReportIDs(ids []int64) error {
	sorted := SortedReportIDs(ids)
	for i, id := range sorted {
		switch {
		case id <= 0:
			return notReportID(strconv.FormatInt(id, 10))
		case i > 0 && id == sorted[i-1]:
			return fault.Usage("name each report once", "the report %d is named twice", id)
		}
	}
	return nil
}

func notReportID(text string) error {
	return fault.Usage("enqueue and mp list the ids with 'ask reports'", "%q is not the id of a report", text)
}

// SortedReportIDs returns a sorted copy of ids.
func SortedReportIDs(ids []int64) []int64 { return slices.Sorted(slices.Values(ids)) }

// JoinReportIDs returns the IDs as text.
func JoinReportIDs(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ", ")
}
