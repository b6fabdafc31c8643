package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"mixduck/internal/fault"
)

// refuseCluster returns an error if the server is a node of a Redis Cluster. It accepts the server if an ACL forbids
// the check.
func refuseCluster(ctx context.Context, conn *redis.Conn) error {
	info, err := conn.Info(ctx, "cluster").Result()
	if err == nil && strings.Contains(info, "cluster_enabled:1") {
		return fmt.Errorf("%w", errCluster) // the client unwraps it once
	}
	return nil
}

var errCluster = fault.Usage("use a single Redis server (cluster-enabled no), with replicas if you like; on a managed service, turn cluster mode off",
	"redis.url: Redis Cluster is not supported")

// CheckServer returns an error if a server responds that cannot hold a queue. A server that does not respond may come
// back.
func CheckServer(ctx context.Context, rdb *redis.Client) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := rdb.Ping(ctx).Err(); errors.Is(err, errCluster) {
		return errCluster
	}
	return nil
}
