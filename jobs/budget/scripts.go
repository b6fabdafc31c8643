package budget

import (
	"embed"
	"sync"

	"github.com/redis/go-redis/v9"

	"mixduck/jobs/internal/script"
)

// keysOf returns the three keys of a project's budget, in the order used by the scripts.
func keysOf(project string) []string {
	prefix := "mixduck:{budget:" + project + "}:"
	return []string{prefix + "used", prefix + "leases", prefix + "said"}
}

//go:embed lua/*.lua
var sources embed.FS

// scripts are the atomic steps of a budget. They share a prelude.
type scripts struct {
	acquire, withdraw, renew, overrule, spent *redis.Script
}

// loadScripts makes them once: they are the same for all budgets.
var loadScripts = sync.OnceValue(func() scripts {
	files := script.Files(sources)
	of := files.After(files.Text("budget"))
	return scripts{acquire: of("acquire"), withdraw: of("withdraw"), renew: of("renew"), overrule: of("overrule"), spent: of("spent")}
})
