// Package embedredis runs Redis inside the process: miniredis, with a journal and snapshots in a directory for
// durability. The process itself connects with [Server.Client], and other processes over a unix socket with [Connect].
//
// Acknowledged commands are durable: a command is in the journal before it is executed, so a killed process loses
// nothing that was acknowledged. The journal is synced to disk once a second, so a power cut can lose the last second.
//
// The package knows Redis commands and files, but not queues or jobs. It rejects commands that could not be repeated
// exactly after a restart, by name: see commands.go.
package embedredis
