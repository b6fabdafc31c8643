package schedule

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/lanes"
)

//go:embed lua/*.lua
var sources embed.FS

// scripts are the steps that must happen as one.
type scripts struct {
	put, drop, pause, rewind, fire, piece *redis.Script
	restore, bury                         *redis.Script // of a copy
}

func loadScripts() scripts {
	read := func(name string) string {
		b, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			panic(fmt.Sprintf("script %s is not embedded: %v", name, err))
		}
		return string(b)
	}
	prelude := lanes.RecordPrelude + read("prelude")
	script := func(name string) *redis.Script { return redis.NewScript(prelude + read(name)) }
	return scripts{
		put: script("put"), drop: script("drop"), pause: script("pause"), rewind: script("rewind"), fire: script("fire"),
		piece: script("piece"), restore: script("restore"), bury: script("bury"),
	}
}
