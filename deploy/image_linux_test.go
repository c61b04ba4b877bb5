package deploy

import (
	"archive/tar"
	"compress/gzip"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"vpcdns/forwarder/workbench"
)

// ociLayout is a directory with images: blobs by their digests.
type ociLayout string

// descriptor points to a blob.
type descriptor struct {
	Digest   string
	Platform struct{ OS, Architecture string }
}

func (l ociLayout) open(t *testing.T, digest string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(string(l), "blobs", strings.Replace(digest, ":", "/", 1)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func (l ociLayout) read(t *testing.T, digest string, into any) {
	t.Helper()
	if err := json.NewDecoder(l.open(t, digest)).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// manifests are the digests of the images, by architecture, and that of their list.
func (l ociLayout) manifests(t *testing.T) (images map[string]string, list string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(string(l), "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index, inner struct{ Manifests []descriptor }
	if err := json.Unmarshal(text, &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("the index is %s: %v", text, err)
	}
	l.read(t, index.Manifests[0].Digest, &inner)
	images = make(map[string]string)
	for _, m := range inner.Manifests {
		images[m.Platform.OS+"/"+m.Platform.Architecture] = m.Digest
	}
	return images, index.Manifests[0].Digest
}

// image is what a runtime makes a container of.
type image struct {
	root, user string
	entrypoint []string
	stop       string
}

// unpack lays out one image.
func (l ociLayout) unpack(t *testing.T, digest string) image {
	t.Helper()
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	l.read(t, digest, &manifest)
	var config struct {
		Config struct {
			User, StopSignal string
			Entrypoint       []string
		}
	}
	l.read(t, manifest.Config.Digest, &config)
	m := image{root: t.TempDir(), user: config.Config.User, entrypoint: config.Config.Entrypoint, stop: config.Config.StopSignal}
	for _, layer := range manifest.Layers {
		untar(t, l.open(t, layer.Digest), m.root)
	}
	return m
}

// untar unpacks directories and files, which is all that there is.
func untar(t *testing.T, r io.Reader, root string) {
	t.Helper()
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(unzipped); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = writeFrom(path, files, h.FileInfo().Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func writeFrom(path string, r io.Reader, mode os.FileMode) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode.Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// withBuildah is the shell's podman: buildah, with its storage in $storage.
const withBuildah = `set -eu
podman() {
	buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@" >&2
}
`

// buildImages types what the head of the Containerfile says, in a copy of the project.
func buildImages(t *testing.T, project string) ociLayout {
	t.Helper()
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(text), "#   for a in")
	lines, _, found := strings.Cut(lines, "#\n# The same sources")
	if !found {
		t.Fatal("the head of the Containerfile does not say how to build it")
	}
	layout := t.TempDir()
	script := "for a in" + strings.ReplaceAll(lines, "\n#  ", "\n")
	script = strings.Replace(script, "docker://REGISTRY/forwarder:VERSION", "oci:"+layout, 1)
	cmd := exec.Command("bash", "-c", withBuildah+script)
	cmd.Dir = project
	cmd.Env = append(os.Environ(), "storage="+t.TempDir(), "BUILDAH_ISOLATION=chroot")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", script, err, out)
	}
	return ociLayout(layout)
}

// copyProject copies what the build reads, so that nothing is left in the project.
func copyProject(t *testing.T, from string) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-a"}
	for _, name := range []string{"go.mod", "go.sum", "acl", "cache", "cmd", "deploy", "forwarder", "testdata"} {
		args = append(args, filepath.Join(from, name))
	}
	if out, err := exec.Command("cp", append(args, dir)...).CombinedOutput(); err != nil {
		t.Fatalf("copying the project: %v: %s", err, out)
	}
	return dir
}

// machines are those that the platforms' programs are for.
var machines = map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}

// The image: what is in it, that it comes out the same twice, and how it runs.
func TestImage(t *testing.T) {
	workbench.NeedRoot(t)
	workbench.Need(t, "buildah")
	project := copyProject(t, "..")
	layout := buildImages(t, project)
	t.Run("contents", layout.testContents)
	t.Run("again", func(t *testing.T) {
		_, list := layout.manifests(t)
		if _, again := buildImages(t, copyProject(t, project)).manifests(t); again != list {
			t.Errorf("a second build is %s, want the same as the first, %s", again, list)
		}
	})
	t.Run("Kubernetes", func(t *testing.T) { testKubernetesContainer(t, layout) })
	t.Run("port 53", func(t *testing.T) { testKubernetesPort53(t, layout) })
}

// testContents holds that the images have nothing but what they need.
func (l ociLayout) testContents(t *testing.T) {
	images, _ := l.manifests(t)
	if got, want := slices.Sorted(maps.Keys(images)), slices.Sorted(maps.Keys(machines)); !slices.Equal(got, want) {
		t.Fatalf("the image is for %v, want %v", got, want)
	}
	for platform, digest := range images {
		m := l.unpack(t, digest)
		if m.user != "25:25" || m.stop != "SIGTERM" || !slices.Equal(m.entrypoint, []string{"/usr/sbin/forwarder", "-f"}) {
			t.Errorf("%s: user %s, stop %s, entrypoint %q", platform, m.user, m.stop, m.entrypoint)
		}
		if got, want := m.files(t), []string{"etc/named.conf 644", "usr/sbin/forwarder 755"}; !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", platform, got, want)
		}
		m.checkProgram(t, machines[platform])
	}
}

// files are those of the image, with their modes.
func (m image) files(t *testing.T) (list []string) {
	t.Helper()
	err := filepath.WalkDir(m.root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(m.root, path)
		list = append(list, name+" "+modeText(info))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func modeText(info os.FileInfo) string {
	perm := info.Mode().Perm()
	return string([]byte{'0' + byte(perm>>6&7), '0' + byte(perm>>3&7), '0' + byte(perm&7)})
}

// checkProgram wants one for the machine that needs no library.
func (m image) checkProgram(t *testing.T, machine elf.Machine) {
	t.Helper()
	program, err := elf.Open(filepath.Join(m.root, "usr/sbin/forwarder"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	libraries, err := program.ImportedLibraries()
	if program.Machine != machine || len(libraries) > 0 || program.Section(".interp") != nil {
		t.Errorf("the program is for %v and needs %v (%v), want a static one for %v", program.Machine, libraries, err, machine)
	}
}

// unpackThis lays out that of this machine.
func (l ociLayout) unpackThis(t *testing.T) image {
	t.Helper()
	images, _ := l.manifests(t)
	digest, ok := images["linux/"+runtime.GOARCH]
	if !ok {
		workbench.Skip(t, "there is no image for %s", runtime.GOARCH)
	}
	return l.unpack(t, digest)
}
