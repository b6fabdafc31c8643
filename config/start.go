package config

import (
	"errors"
	"fmt"
	"time"

	"mixduck/internal/day"
	"mixduck/internal/fault"
)

// CheckStarts returns an error for each schedule with a first day after today, in its project's time zone. Load does not
// check this, because the settings of a running worker stay valid when its clock is set back.
func (c *Config) CheckStarts(now time.Time) error {
	var problems []error
	for _, s := range c.Schedules {
		p, err := c.Project(s.Project)
		if err != nil {
			return err
		}
		if today := day.Of(now.In(p.Location)); s.Start > today {
			key := "schedules." + s.Name + ".start"
			problems = append(problems, fmt.Errorf("%s: %s: %s is in the future: today is %s in the project's time zone", c.origin(key), key, s.Start, today))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.Usage("use a day up to today, or omit start", "%w", errors.Join(problems...))
}

// origin returns where the value of a setting was found.
func (c *Config) origin(key string) string {
	for _, v := range c.values {
		if v.Key == key {
			return v.Origin
		}
	}
	return ""
}
