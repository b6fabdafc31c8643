package question

import (
	"slices"
	"strings"

	"mixduck/internal/fault"
)

// Budget names the request budget that a question is counted in.
type Budget string

// The budgets. Mixpanel documents no limit for what is Free.
const (
	Query   Budget = "query"
	Lexicon Budget = "lexicon"
	Free    Budget = ""
)

// Dating says whether a question has days.
type Dating int

// The values of [Dating].
const (
	Undated  Dating = iota
	MayDated        // all days by default
	Dated           // required
)

// Info describes a question.
type Info struct {
	Name     string
	Short    string // for help
	Endpoint string // below the base of its API
	Budget   Budget
	Days     Dating
	Params   []Param
	Example  string // the arguments and flags of a command
	Known    string // the command of mixpanel_data, if it has one: the group, and the name there
}

// Arguments returns the parameters that commands take as arguments.
func (i Info) Arguments() (all []Param) {
	for _, p := range i.Params {
		if p.Argument {
			all = append(all, p)
		}
	}
	return all
}

// Find returns a question by its name. It returns errors with [fault.CodeUsage].
func Find(name string) (Info, error) {
	all := List()
	i := slices.IndexFunc(all, func(i Info) bool { return i.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, info := range all {
			names[i] = info.Name
		}
		return Info{}, fault.Usage("use one of "+strings.Join(names, ", "), "there is no question %q", name)
	}
	return all[i], nil
}

// List returns all questions.
func List() []Info {
	return slices.Concat(lists(), counts(), reports())
}

// lists returns the questions that list names and saved data of a project.
func lists() []Info {
	event, limit := argument("event", "event"), number("limit", "maximum `number` of results (default: Mixpanel's)", 0)
	return []Info{
		{
			Name: "events", Short: "List event names of the last 31 days, most frequent first", Endpoint: "events/names", Budget: Query,
			Params: []Param{limit}, Example: "events", Known: "inspect events",
		},
		{
			Name: "top-events", Short: "List today's most frequent events", Endpoint: "events/top", Budget: Query,
			Params: []Param{analysis(), limit}, Example: "top-events --limit 20", Known: "inspect top-events",
		},
		{
			Name: "properties", Short: "List the most frequent properties of an event", Endpoint: "events/properties/top", Budget: Query,
			Params: []Param{event, limit}, Example: `properties "Sign Up" --limit 100`, Known: "inspect properties",
		},
		{
			Name: "values", Short: "List the most frequent values of a property", Endpoint: "events/properties/values", Budget: Query,
			Params: []Param{event, argument("property", "property"), limit}, Example: `values "Sign Up" plan`, Known: "inspect values",
		},
		{Name: "cohorts", Short: "List the cohorts", Endpoint: "cohorts/list", Budget: Query, Example: "cohorts", Known: "inspect cohorts"},
		{Name: "funnels", Short: "List the saved funnels", Endpoint: "funnels/list", Budget: Query, Example: "funnels", Known: "inspect funnels"},
		{
			Name: "reports", Short: "List the saved reports", Endpoint: "bookmarks", Budget: Free,
			Params:  []Param{{Name: "type", Value: "type", Usage: "only reports of this `type`, for example insights, funnels or retention"}},
			Example: "reports --type insights", Known: "inspect bookmarks",
		},
		{
			Name: "annotations", Short: "List the annotations", Endpoint: "annotations", Budget: Free, Days: MayDated,
			Example: "annotations --from 30d", Known: "annotations list",
		},
		{Name: "lexicon", Short: "List the events and profile types of Lexicon", Endpoint: "schemas", Budget: Lexicon, Example: "lexicon", Known: "inspect lexicon-schemas"},
		{Name: "lexicon-properties", Short: "List the properties of Lexicon", Endpoint: "schemas", Budget: Lexicon, Example: "lexicon-properties"},
		{Name: "lookup-tables", Short: "List the lookup tables, without their rows", Endpoint: "lookup-tables", Budget: Free, Example: "lookup-tables", Known: "lookup-tables list"},
	}
}

// counts returns the questions that count events.
func counts() []Info {
	event, on := argument("event", "event"), argument("on", "expression")
	short, every := unit("hour", "day"), unit("minute", "hour", "day", "week", "month")
	several := event
	several.Kind = Texts
	return []Info{
		{
			Name: "segmentation", Short: "Count an event over time, optionally by a property", Endpoint: "segmentation", Budget: Query, Days: Dated,
			Params: []Param{
				event,
				{Name: "on", Value: "expression", Usage: "count by the values of this Mixpanel `expression`"},
				where(),
				unit("minute", "hour", "day", "month"), analysis(), number("limit", "with --on: maximum `number` of values, up to 10000 (default: 60)", 10_000),
			},
			Example: `segmentation "Sign Up" --from 7d --on 'properties["plan"]'`, Known: "query segmentation",
		},
		{
			Name: "segmentation-numeric", Short: "Count an event by ranges of a number", Endpoint: "segmentation/numeric", Budget: Query, Days: Dated,
			Params: []Param{event, on, where(), short, analysis()}, Example: `segmentation-numeric Purchase 'properties["amount"]' --from 7d`, Known: "query segmentation-numeric",
		},
		{
			Name: "segmentation-sum", Short: "Add up a number over time", Endpoint: "segmentation/sum", Budget: Query, Days: Dated,
			Params: []Param{event, on, where(), short}, Example: `segmentation-sum Purchase 'properties["amount"]' --from 7d`, Known: "query segmentation-sum",
		},
		{
			Name: "segmentation-average", Short: "Average a number over time", Endpoint: "segmentation/average", Budget: Query, Days: Dated,
			Params: []Param{event, on, where(), short}, Example: `segmentation-average Purchase 'properties["amount"]' --from 7d`, Known: "query segmentation-average",
		},
		{
			Name: "event-counts", Short: "Count several events over time", Endpoint: "events", Budget: Query, Days: Dated,
			Params: []Param{several, every, analysis()}, Example: `event-counts "Sign Up" Purchase --from 7d`, Known: "query event-counts",
		},
		{
			Name: "property-counts", Short: "Count an event over time by the values of a property", Endpoint: "events/properties", Budget: Query, Days: Dated,
			Params: []Param{
				event, argument("property", "property"),
				{Name: "value", Kind: Texts, Value: "text", Usage: "only the value with this `text`; can be repeated"},
				every, analysis(), number("limit", "maximum `number` of values (default: 255)", 0),
			},
			Example: `property-counts "Sign Up" plan --from 7d`, Known: "query property-counts",
		},
	}
}

// reports returns the questions about saved reports and retention.
func reports() []Info {
	long, back := unit("day", "week", "month"), argument("return", "event")
	back.Required = false
	return []Info{
		{
			Name: "funnel", Short: "Count the steps of a saved funnel", Endpoint: "funnels", Budget: Query, Days: Dated,
			Params: []Param{id("funnel-id"), long, where()}, Example: "funnel 12345 --from 7d", Known: "query funnel",
		},
		{
			Name: "retention", Short: "Count users who return after a first event", Endpoint: "retention", Budget: Query, Days: Dated,
			Params: []Param{
				argument("born", "event"), back, long, number("interval", "`number` of units per interval (default: 1)", 0),
				number("intervals", "`number` of intervals (default: 1)", 0),
				{Name: "born-where", Value: "expression", Usage: "only first events that match this Mixpanel `expression`"},
				{Name: "return-where", Value: "expression", Usage: "only later events that match this Mixpanel `expression`"},
			},
			Example: `retention "Sign Up" Purchase --from 30d --unit week --intervals 4`, Known: "query retention",
		},
		{
			Name: "report", Short: "Run a saved Insights report", Endpoint: "insights", Budget: Query,
			Params: []Param{id("bookmark-id")}, Example: "report 12345", Known: "query saved-report",
		},
	}
}

func where() Param {
	return Param{Name: "where", Value: "expression", Usage: "only events that match this Mixpanel `expression`"}
}

func argument(name, value string) Param {
	return Param{Name: name, Value: value, Usage: "the `" + value + "`, instead of the argument", Argument: true, Required: true}
}

func id(name string) Param {
	p := argument(name, "id")
	p.Kind = Number
	return p
}

func number(name, usage string, most int64) Param {
	return Param{Name: name, Kind: Number, Value: "number", Usage: usage, Most: most}
}

func unit(choices ...string) Param {
	return Param{Name: "unit", Kind: Choice, Usage: "time per row (default: day)", Choices: choices}
}

func analysis() Param {
	return Param{Name: "type", Kind: Choice, Usage: "count events, users, or events per user (default: general)", Choices: []string{"general", "unique", "average"}}
}
