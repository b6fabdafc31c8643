package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"mixduck/internal/name"
)

func volumes() field[Config] {
	return field[Config]{show: func(c *Config) string {
		all := make([]string, len(c.Volumes))
		for i, v := range c.Volumes {
			all[i] = v.Name + "=" + v.Dir
		}
		return strings.Join(all, ",")
	}, set: func(c *Config, v string) error {
		for part := range strings.SplitSeq(v, ",") {
			volume, dir, ok := strings.Cut(strings.TrimSpace(part), "=")
			if !ok || name.Volume(volume) != nil || dir == "" {
				return fmt.Errorf("%q is not name=directory; names have lower-case letters, digits, - and _", part)
			}
			if err := c.addVolume(volume, dir); err != nil {
				return err
			}
		}
		return nil
	}}
}

// addVolume adds a volume with a valid name.
func (c *Config) addVolume(volume, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, other := range c.Volumes {
		if other.Name == volume || other.Dir == dir {
			return fmt.Errorf("%s=%s: duplicate name or directory", volume, dir)
		}
	}
	c.Volumes = append(c.Volumes, Volume{Name: volume, Dir: dir})
	return nil
}
