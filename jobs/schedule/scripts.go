package schedule

import (
	"embed"
	"sync"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/lanes"
	"mixduck/jobs/internal/script"
)

//go:embed lua/*.lua
var sources embed.FS

// scripts are the atomic steps.
type scripts struct {
	put, drop, pause, rewind, fire, piece *redis.Script
	agenda                                *redis.Script
	restore, bury                         *redis.Script // of a copy
}

// loadScripts makes them once, because the runner makes a store for each look.
var loadScripts = sync.OnceValue(func() scripts {
	files := script.Files(sources)
	of := files.After(lanes.RecordPrelude, files.Text("prelude"))
	return scripts{
		put: of("put"), drop: of("drop"), pause: of("pause"), rewind: of("rewind"), fire: of("fire"), piece: of("piece"),
		agenda: of("agenda"), restore: of("restore"), bury: of("bury"),
	}
})
