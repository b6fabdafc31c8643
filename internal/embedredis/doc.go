// Package embedredis runs a Redis inside the process: miniredis, made durable by a journal and snapshots in a directory,
// reached in the process through [Server.Client] and from other processes over a unix socket, through [Connect].
//
// What a client was told is kept: the journal has a command before the command is carried out, so a process that is
// killed loses nothing that was acknowledged. The journal is handed to the disk once a second; a power cut may lose the
// last second.
//
// It knows Redis commands and files, and nothing of queues or jobs. Commands that it could not repeat exactly after a
// restart are refused by name: see commands.go.
package embedredis
