// Package script makes Redis scripts from embedded files.
package script

import (
	"embed"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Files are the scripts of a package, embedded from lua/*.lua.
type Files embed.FS

// Text returns the text of a script. It panics if the file is not embedded, because that is a programming error.
func (f Files) Text(name string) string {
	b, err := embed.FS(f).ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(fmt.Sprintf("script %s: %v", name, err))
	}
	return string(b)
}

// After returns a function that makes a script from a file, preceded by preludes.
func (f Files) After(preludes ...string) func(name string) *redis.Script {
	prelude := strings.Join(preludes, "")
	return func(name string) *redis.Script { return redis.NewScript(prelude + f.Text(name)) }
}
