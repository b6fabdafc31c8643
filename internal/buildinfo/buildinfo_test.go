package buildinfo

import (
	"runtime/debug"
	"testing"
)

func TestFromBuild(t *testing.T) {
	t.Parallel()
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	tests := []struct {
		name string
		info debug.BuildInfo
		want string
	}{
		{"a module's version is taken as it is", debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "v1.2.3"},
		{"a build in a checkout names its commit", debug.BuildInfo{
			Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{commit},
		}, "devel-0123456789ab"},
		{"changes are shown", debug.BuildInfo{
			Settings: []debug.BuildSetting{commit, {Key: "vcs.modified", Value: "true"}},
		}, "devel-0123456789ab+dirty"},
		{"a short commit is not cut", debug.BuildInfo{
			Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123"}},
		}, "devel-0123"},
		{"without any knowledge it is devel", debug.BuildInfo{}, "devel"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := fromBuild(&tt.info); got != tt.want {
				t.Errorf("fromBuild() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestVersionIsNeverEmpty(t *testing.T) {
	t.Parallel()
	if Version() == "" {
		t.Error("Version() is empty")
	}
}
