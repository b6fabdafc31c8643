package lanes

import (
	"embed"
	"sync"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/script"
)

//go:embed lua/*.lua
var sources embed.FS

// RecordPrelude begins each script that writes records.
//
//go:embed lua/record.lua
var RecordPrelude string

// Scripts are the steps that must happen as one. Those of a lane share a prelude, as do those of a record.
type Scripts struct {
	submit, begin, settle, leave, look, raise *redis.Script // of a lane
	create, move, forget                      *redis.Script // of a record
	Schedule                                  *redis.Script // of the sweep
	beat                                      *redis.Script // of a worker
	Tables                                    *redis.Script // of what is known of tables
	Admit                                     *redis.Script // of the results that are sent
}

// loadScripts makes them once: scripts are the same for all engines.
var loadScripts = sync.OnceValue(func() Scripts {
	files := script.Files(sources)
	lane, record, plain := files.After(files.Text("lane")), files.After(RecordPrelude), files.After()
	return Scripts{
		submit: lane("submit"), begin: lane("begin"), settle: lane("settle"), leave: lane("leave"), look: lane("look"),
		raise:  lane("raise"),
		create: record("create"), move: record("move"), forget: record("forget"),
		Schedule: plain("schedule"), beat: plain("beat"), Tables: plain("tables"), Admit: plain("admit"),
	}
})
