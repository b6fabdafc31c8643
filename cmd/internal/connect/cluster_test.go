package connect_test

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"mixduck/cmd/internal/connect"
	"mixduck/config"
	"mixduck/internal/fault"
	"mixduck/internal/proctest"
	"mixduck/internal/secret"
)

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ enabled, want string }{{"yes", "Redis Cluster is not supported"}, {"no", ""}} {
		port := proctest.FreePort(t)
		proctest.NewRedis(t, "--port", port, "--cluster-enabled", tt.enabled, "--appendonly", "no")
		opt, err := connect.Options(config.Redis{URL: secret.New("redis://127.0.0.1:" + port)})
		if err != nil {
			t.Fatal(err)
		}
		rdb := redis.NewClient(opt)
		t.Cleanup(func() { _ = rdb.Close() })
		if err := connect.CheckServer(t.Context(), rdb); fault.CodeOf(err) == fault.CodeUsage != (tt.want != "") {
			t.Errorf("cluster-enabled %s: CheckServer() = %v", tt.enabled, err)
		}
		err = rdb.Set(t.Context(), "x", 1, 0).Err()
		if tt.want == "" {
			if err != nil {
				t.Errorf("a single server: %v", err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || fault.CodeOf(err) != fault.CodeUsage || fault.HintOf(err) == "" {
			t.Errorf("a node of a cluster: %v (%s, try: %s)", err, fault.CodeOf(err), fault.HintOf(err))
		}
	}
}
