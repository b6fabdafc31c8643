package budget

import (
	"embed"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// keysOf returns the three keys of a project's budget, in the order in which its scripts expect them.
func keysOf(project string) []string {
	prefix := "mixduck:{budget:" + project + "}:"
	return []string{prefix + "used", prefix + "leases", prefix + "said"}
}

//go:embed lua/*.lua
var sources embed.FS

// scripts are the steps of a budget that must happen whole. They share a prelude.
type scripts struct {
	acquire, withdraw, renew, overrule, spent *redis.Script
}

func loadScripts() (scripts, error) {
	var failed error
	read := func(name string) string {
		b, err := sources.ReadFile("lua/" + name + ".lua")
		if err != nil {
			failed = fmt.Errorf("script %s: %w", name, err)
		}
		return string(b)
	}
	prelude := read("budget")
	script := func(name string) *redis.Script { return redis.NewScript(prelude + read(name)) }
	s := scripts{
		acquire: script("acquire"), withdraw: script("withdraw"), renew: script("renew"),
		overrule: script("overrule"), spent: script("spent"),
	}
	return s, failed
}
