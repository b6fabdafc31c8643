package console

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Choice is the value of a flag with a fixed set of values.
type Choice struct {
	Value   string // initially the default
	Allowed []string
}

// Set sets s, if it is allowed.
func (c *Choice) Set(s string) error {
	if !slices.Contains(c.Allowed, s) {
		return fmt.Errorf("must be one of %s", c.Type())
	}
	c.Value = s
	return nil
}

func (c *Choice) String() string { return c.Value }

// Type returns the flag's value as shown in help.
func (c *Choice) Type() string { return strings.Join(c.Allowed, "|") }

// The formats of most commands.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// AddFormat adds --format.
func AddFormat(flags *pflag.FlagSet) *Choice {
	format := &Choice{Value: FormatText, Allowed: []string{FormatText, FormatJSON}}
	flags.Var(format, "format", "output format")
	return format
}
