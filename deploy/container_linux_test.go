package deploy

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"vpcdns/cmd/forwarder/lab"
	"vpcdns/forwarder/workbench"
)

// container is a pod's only one, made by runc as kubelet and containerd have it made.
type container struct {
	id, bundle, state string
	process           *lab.Process // runc, which ends as the container's process does
}

// object is one of JSON.
type object = map[string]any

// mounts are what containerd gives every container, and no more can be written than
// /dev/shm.
func mounts() []object {
	return []object{
		{"destination": "/proc", "type": "proc", "source": "proc", "options": []string{"nosuid", "noexec", "nodev"}},
		{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
		{"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": []string{"nosuid", "noexec", "nodev", "ro"}},
		{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
	}
}

// bind mounts a directory or file of this machine.
func bind(source, destination string, readOnly bool) object {
	options := []string{"rbind", "rprivate"}
	if readOnly {
		options = append(options, "ro")
	}
	return object{"destination": destination, "type": "bind", "source": source, "options": options}
}

// runtimeConfig is the config.json of the pod's container: what containerd makes of the
// Deployment in the pod's network, where volumes are the directories of its volumes,
// and more are mounts that kubelet adds of itself.
func (c *cluster) runtimeConfig(t *testing.T, m image, network *lab.Namespace, volumes map[string]string, more ...object) object {
	t.Helper()
	own := c.container().SecurityContext
	var capabilities []string // after "drop: ALL"
	for _, name := range own.Capabilities.Add {
		capabilities = append(capabilities, "CAP_"+string(name))
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=forwarder-0"}
	for _, e := range c.container().Env {
		env = append(env, e.Name+"="+e.Value)
	}
	all := append(mounts(), more...)
	for _, v := range c.container().VolumeMounts {
		all = append(all, bind(volumes[v.Name], v.MountPath, v.ReadOnly))
	}
	return object{
		"ociVersion": "1.0.0",
		"process": object{
			"user":            c.runtimeUser(),
			"args":            slices.Concat(m.entrypoint, c.container().Args),
			"env":             env,
			"cwd":             "/",
			"noNewPrivileges": isFalse(own.AllowPrivilegeEscalation),
			// Neither inheritable nor ambient: Kubernetes has no word for those.
			"capabilities": object{"bounding": capabilities, "effective": capabilities, "permitted": capabilities},
		},
		"root":     object{"path": m.root, "readonly": value(own.ReadOnlyRootFilesystem)},
		"hostname": "forwarder-0",
		"mounts":   all,
		"linux":    c.runtimeLinux(t, network, capabilities),
	}
}

func (c *cluster) runtimeUser() object {
	s := c.pod().SecurityContext
	return object{"uid": value(s.RunAsUser), "gid": value(s.RunAsGroup), "additionalGids": []int64{value(s.FSGroup)}}
}

func (c *cluster) runtimeLinux(t *testing.T, network *lab.Namespace, capabilities []string) object {
	t.Helper()
	sysctls := make(object)
	for _, s := range c.pod().SecurityContext.Sysctls {
		sysctls[s.Name] = s.Value
	}
	return object{
		"namespaces": []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "network", "path": network.Path()}},
		"sysctl":     sysctls,
		"resources":  object{"memory": object{"limit": c.container().Resources.Limits.Memory().Value()}},
		"seccomp":    defaultSeccomp(t, capabilities),
		"maskedPaths": []string{
			"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug", "/sys/firmware",
		},
		"readonlyPaths": []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
	}
}

// seccompProfile is that of podman and CRI-O, from which containerd's hardly differs.
const seccompProfile = "/usr/share/containers/seccomp.json"

// condition is on what a rule of the profile depends.
type condition struct{ Caps, Arches []string }

// defaultSeccomp is the filter of RuntimeDefault for these capabilities.
func defaultSeccomp(t *testing.T, capabilities []string) object {
	t.Helper()
	text, err := os.ReadFile(seccompProfile)
	if err != nil {
		workbench.Skip(t, "there is no %s: apt-get install buildah brings it", seccompProfile)
	}
	var profile struct {
		DefaultAction   string
		DefaultErrnoRet int
		Syscalls        []struct {
			Names              []string
			Action             string
			ErrnoRet           *int
			Args               []object
			Includes, Excludes condition
		}
	}
	if err := json.Unmarshal(text, &profile); err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool { return slices.Contains(capabilities, name) }
	var rules []object
	for _, s := range profile.Syscalls {
		if len(s.Includes.Arches) > 0 && !slices.Contains(s.Includes.Arches, runtime.GOARCH) ||
			len(s.Includes.Caps) > 0 && !slices.ContainsFunc(s.Includes.Caps, has) || slices.ContainsFunc(s.Excludes.Caps, has) {
			continue
		}
		rule := object{"names": s.Names, "action": s.Action, "args": s.Args}
		if s.ErrnoRet != nil {
			rule["errnoRet"] = *s.ErrnoRet
		}
		rules = append(rules, rule)
	}
	return object{"defaultAction": profile.DefaultAction, "defaultErrnoRet": profile.DefaultErrnoRet, "syscalls": rules}
}

// startContainer runs it until the end of the test.
func startContainer(t *testing.T, config object) *container {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	c := &container{id: "forwarder-" + rand.Text(), bundle: t.TempDir(), state: t.TempDir()} // a control group has the name too
	if err := os.WriteFile(filepath.Join(c.bundle, "config.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.runc("delete", "--force", c.id).Run() })
	c.process = lab.Start(t, "the container", c.runc("run", "--bundle", c.bundle, c.id))
	return c
}

// runc is a command of the runtime.
func (c *container) runc(args ...string) *exec.Cmd {
	return exec.Command("runc", append([]string{"--root", c.state}, args...)...)
}

// exec runs a command in the container, as kubectl exec does.
func (c *container) exec(args ...string) (output string, err error) {
	out, err := c.runc(append([]string{"exec", c.id}, args...)...).CombinedOutput()
	return string(out), err
}

// pid is the process's id outside of the container.
func (c *container) pid(t *testing.T) int {
	t.Helper()
	var state struct{ PID int }
	out, err := c.runc("state", c.id).Output()
	if err == nil {
		err = json.Unmarshal(out, &state)
	}
	if err != nil || state.PID == 0 {
		t.Fatalf("runc state: %v: %s", err, out)
	}
	return state.PID
}

// kill sends a signal to the container's process.
func (c *container) kill(t *testing.T, signal string) {
	t.Helper()
	if out, err := c.runc("kill", c.id, signal).CombinedOutput(); err != nil {
		t.Fatalf("runc kill: %v: %s", err, out)
	}
}

// exitStatus waits for the end.
func (c *container) exitStatus() int {
	<-c.process.Exited
	return c.process.Cmd.ProcessState.ExitCode()
}

// podVolumes makes the directories of the volumes, with the owners and modes that
// kubelet gives them.
func (c *cluster) podVolumes(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	volumes, group := make(map[string]string), int(value(c.pod().SecurityContext.FSGroup))
	for _, v := range c.pod().Volumes {
		dir := filepath.Join(t.TempDir(), v.Name)
		volumes[v.Name] = dir
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if v.EmptyDir != nil {
			own(t, dir, group, 0o777|os.ModeSetgid)
		} else {
			projectFiles(t, dir, v.Projected, group, files)
		}
	}
	return volumes
}

func own(t *testing.T, path string, group int, mode os.FileMode) {
	t.Helper()
	if err := os.Chown(path, 0, group); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// projectFiles puts files into a volume as kubelet does: all of them change at once,
// when the link ..data is replaced.
func projectFiles(t *testing.T, dir string, volume *corev1.ProjectedVolumeSource, group int, files map[string]string) {
	t.Helper()
	fresh, err := os.MkdirTemp(dir, "..")
	if err != nil {
		t.Fatal(err)
	}
	own(t, fresh, group, 0o755|os.ModeSetgid)
	for name, text := range files {
		path := filepath.Join(fresh, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		own(t, path, group, os.FileMode(value(volume.DefaultMode)))
		_ = os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)) // it may be there
	}
	link := filepath.Join(dir, "..data_tmp")
	if err := os.Symlink(filepath.Base(fresh), link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
}
