package console

import (
	"strings"

	"github.com/spf13/pflag"

	"mixduck/internal/stream"
)

// The help for fetches of some reports.
const (
	ReportIDUsage = "only the saved report with this `id`; can be repeated"
	ReportIDLong  = "\nWith --report-id, only these reports are fetched; the rows of others stay."
)

// reportIDs is a flag value: the IDs of saved reports.
type reportIDs []int64

// AddReportIDs adds the flag for the IDs of reports.
func AddReportIDs(flags *pflag.FlagSet, ids *[]int64, usage string) {
	flags.Var((*reportIDs)(ids), "report-id", usage)
}

// String returns the IDs, "" for none.
func (r *reportIDs) String() string { return stream.JoinReportIDs(*r) }

// Set adds IDs, separated by commas.
func (r *reportIDs) Set(text string) error {
	more, err := stream.ParseReportIDs(strings.Split(text, ",")...)
	if err != nil {
		return err
	}
	*r = append(*r, more...)
	return stream.CheckReportIDs(*r)
}

// Type names the value in help.
func (*reportIDs) Type() string { return "id" }
