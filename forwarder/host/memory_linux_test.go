package host

import (
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestGroupLimit(t *testing.T) {
	const none = math.MaxUint64
	tests := []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"nothing known", nil, none},
		{"version 2", map[string]string{
			"proc/self/cgroup": "0::/system.slice/forwarder.service\n",
			"sys/fs/cgroup/system.slice/forwarder.service/memory.max": "268435456\n",
		}, 256 * mb},
		{"no limit", map[string]string{
			"proc/self/cgroup": "0::/system.slice/forwarder.service\n",
			"sys/fs/cgroup/system.slice/forwarder.service/memory.max": "max\n",
		}, none},
		{"throttled before", map[string]string{
			"proc/self/cgroup":           "0::/a\n",
			"sys/fs/cgroup/a/memory.max": "268435456\n", "sys/fs/cgroup/a/memory.high": "134217728\n",
		}, 128 * mb},
		{"of a group above", map[string]string{
			"proc/self/cgroup":             "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "67108864\n",
		}, 64 * mb},
		{"a container", map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"sys/fs/cgroup/memory.max": "67108864\n",
		}, 64 * mb},
		{"version 1", map[string]string{
			"proc/self/cgroup": "9:name=systemd:/x\n4:cpu,memory:/system.slice\n0::/\n",
			"sys/fs/cgroup/memory/system.slice/memory.limit_in_bytes": "33554432\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":              "9223372036854771712\n",
		}, 32 * mb},
		{"a container of version 1", map[string]string{
			"proc/self/cgroup":                           "4:memory:/docker/0123\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "33554432\n",
		}, 32 * mb},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range test.files {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := groupLimit(root); got != test.want {
				t.Errorf("groupLimit = %d, want %d", got, test.want)
			}
		})
	}
}
