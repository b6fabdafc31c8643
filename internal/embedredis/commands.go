package embedredis

import (
	"fmt"
	"strings"
)

// class is how the server handles a command.
type class int

const (
	refused      class = iota // cannot be repeated from the journal, or blocks, or needs something that snapshots do not contain
	read                      // does not change stored data, and its reply depends only on that
	passing                   // does not change stored data; its reply depends on more, such as the time, or it has another effect
	write                     // written to the journal
	script                    // written to the journal as soon as the script writes
	session                   // only about the connection
	subscription              // makes the connection receive messages
	transaction               // MULTI and related commands
)

// classify returns the class of a command; name is in upper case.
//
// Deliberately excluded: blocking commands (BLPOP …), random commands (SPOP, SRANDMEMBER …), databases other than 0
// (MOVE, COPY, SWAPDB), and types and hash-field expiries that snapshots do not contain (streams, HyperLogLogs,
// HEXPIRE …).
func classify(name string, args []string) class {
	switch name {
	case "SET", "SETNX", "SETEX", "PSETEX", "MSET", "MSETNX", "GETSET", "GETDEL", "GETEX", "DELEX", "APPEND", "SETRANGE",
		"SETBIT", "BITOP", "INCR", "INCRBY", "INCRBYFLOAT", "DECR", "DECRBY",
		"DEL", "UNLINK", "EXPIRE", "EXPIREAT", "PEXPIRE", "PEXPIREAT", "PERSIST", "RENAME", "RENAMENX", "FLUSHDB", "FLUSHALL",
		"HSET", "HSETNX", "HMSET", "HDEL", "HINCRBY", "HINCRBYFLOAT",
		"LPUSH", "LPUSHX", "RPUSH", "RPUSHX", "LPOP", "RPOP", "LMPOP", "LREM", "LSET", "LTRIM", "LINSERT", "RPOPLPUSH", "LMOVE",
		"SADD", "SREM", "SMOVE", "SDIFFSTORE", "SINTERSTORE", "SUNIONSTORE",
		"ZADD", "ZINCRBY", "ZREM", "ZREMRANGEBYLEX", "ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZPOPMIN", "ZPOPMAX", "ZMPOP",
		"ZINTERSTORE", "ZUNIONSTORE":
		return write
	case "PING", "ECHO", "SELECT", "CLIENT", "INFO", "TIME", "MEMORY", "PUBLISH", "PUBSUB", "TTL", "PTTL", "EXPIRETIME",
		"PEXPIRETIME", "TOUCH":
		return passing
	case "DBSIZE", "EXISTS", "TYPE", "KEYS", "SCAN",
		"GET", "MGET", "GETRANGE", "STRLEN", "GETBIT", "BITCOUNT", "BITPOS",
		"HGET", "HMGET", "HGETALL", "HKEYS", "HVALS", "HLEN", "HEXISTS", "HSTRLEN", "HSCAN",
		"LINDEX", "LLEN", "LPOS", "LRANGE",
		"SCARD", "SDIFF", "SINTER", "SINTERCARD", "SISMEMBER", "SMISMEMBER", "SMEMBERS", "SUNION", "SSCAN",
		"ZCARD", "ZCOUNT", "ZLEXCOUNT", "ZRANGE", "ZRANGEBYLEX", "ZRANGEBYSCORE", "ZREVRANGE", "ZREVRANGEBYLEX",
		"ZREVRANGEBYSCORE", "ZRANK", "ZREVRANK", "ZSCORE", "ZMSCORE", "ZINTER", "ZUNION", "ZSCAN":
		return read
	case "EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO":
		return script
	case "SCRIPT":
		if len(args) > 0 && strings.EqualFold(args[0], "EXISTS") {
			return read
		}
		return write
	case "HELLO", "QUIT":
		return session
	case "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE":
		return subscription
	case "MULTI", "EXEC", "DISCARD", "WATCH", "UNWATCH":
		return transaction
	}
	return refused
}

// refusal returns the Redis error for an unsupported command, or "". It also applies to commands within scripts.
func refusal(name string, args []string) string {
	if classify(name, args) == refused {
		return fmt.Sprintf("ERR the embedded queue does not support '%s'", strings.ToLower(name))
	}
	switch name {
	case "SELECT":
		if len(args) == 1 && args[0] != "0" {
			return "ERR the embedded queue has only database 0"
		}
	case "EVAL", "EVAL_RO", "SCRIPT":
		for _, body := range args[:min(len(args), 2)] {
			for _, chance := range []string{"math.random", "os.clock"} {
				if strings.Contains(body, chance) {
					return "ERR scripts of the embedded queue must not use " + chance + ": they are repeated after a restart"
				}
			}
		}
	case "KEYS", "PSUBSCRIBE", "PUNSUBSCRIBE", "PUBSUB":
		return patternRefusal(args)
	case "SCAN", "HSCAN", "SSCAN", "ZSCAN":
		return patternRefusal(args[min(len(args), 1):])
	}
	return ""
}

// patternRefusal rejects character classes: miniredis panics on malformed ones.
func patternRefusal(args []string) string {
	for _, a := range args {
		if strings.Contains(a, "[") {
			return "ERR the embedded queue does not support patterns with '['"
		}
	}
	return ""
}

// scriptBody returns the Lua text that a command adds to Redis's script cache, or "".
func scriptBody(command []string) string {
	switch {
	case len(command) < 3:
		return ""
	case strings.EqualFold(command[0], "EVAL"), strings.EqualFold(command[0], "EVAL_RO"):
		return command[1]
	case strings.EqualFold(command[0], "SCRIPT") && strings.EqualFold(command[1], "LOAD"):
		return command[2]
	}
	return ""
}

// forgetsScripts reports whether a command clears that cache.
func forgetsScripts(command []string) bool {
	return len(command) > 1 && strings.EqualFold(command[0], "SCRIPT") && strings.EqualFold(command[1], "FLUSH")
}

// neededKeys returns the keys without which the command changes nothing: it removes or modifies, but never creates. If
// there are none, the command counts as a change.
func neededKeys(name string, args []string) []string {
	switch name {
	case "LPOP", "RPOP", "LREM", "LTRIM", "LPUSHX", "RPUSHX", "RPOPLPUSH", "LMOVE", "HDEL", "SREM", "ZREM", "ZREMRANGEBYLEX",
		"ZREMRANGEBYRANK", "ZREMRANGEBYSCORE", "ZPOPMIN", "ZPOPMAX", "EXPIRE", "EXPIREAT", "PEXPIRE", "PEXPIREAT", "PERSIST",
		"GETDEL":
		return args[:min(len(args), 1)]
	case "DEL", "UNLINK":
		return args
	}
	return nil
}
