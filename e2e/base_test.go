//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pythonRepo = "acme/python"

// whoami is a service that says how it was started.
const whoami = `import os, sys
print("uid", os.getuid(), "gid", os.getgid())
print("cwd", os.getcwd())
print("model", open(os.environ["MODEL_PATH"]).read())
print("python", sys.version_info.major)
`

// newPython is a small Python service on the base.
func newPython(t *testing.T, base string) project {
	t.Helper()
	return newProject(t, map[string]string{
		"ai-ship.yaml": fmt.Sprintf(`image: ghcr.io/%s
base: %s
version: 1.0.0
platforms: [linux/%s]
app: [{from: src, to: /srv/app}]
models: [models/weights.txt]
command: [python3, /srv/app/whoami.py]
workdir: /srv
ports: [8000, 9000/udp]
env: {MODEL_PATH: /models/weights.txt, ANSWER: "42"}
labels: {team: vision}
`, pythonRepo, base, runtime.GOARCH),
		"src/whoami.py":      whoami,
		"models/weights.txt": "small weights",
	})
}

// inspected is the part of docker inspect that the config decides.
type inspected struct {
	User         string
	Env          []string
	Cmd          []string
	WorkingDir   string
	Labels       map[string]string
	ExposedPorts map[string]struct{}
}

// runsAsConfigured starts the image and looks at it from inside and outside.
func runsAsConfigured(t *testing.T, e *engine, image string) {
	t.Helper()
	e.pull(t, image)
	const want = "uid 10001 gid 10001\ncwd /srv\nmodel small weights\npython 3"
	if got := e.run(t, "run", "--rm", "--network", "host", image); got != want {
		t.Errorf("the service says %q, want %q", got, want)
	}
	if got := e.run(t, "run", "--rm", "--network", "host", image, "id"); !strings.HasPrefix(got, "uid=10001 gid=10001") {
		t.Errorf("id says %q, want uid and gid 10001", got)
	}
	var got []struct{ Config inspected }
	if err := json.Unmarshal([]byte(e.run(t, "inspect", "--type", "image", image)), &got); err != nil || len(got) != 1 {
		t.Fatalf("docker inspect: %v, %d images", err, len(got))
	}
	config := got[0].Config
	for _, kv := range []string{"PATH=/usr/local/bin:/usr/bin:/bin", "BASE=debian", "MODEL_PATH=/models/weights.txt", "ANSWER=42"} {
		if !slices.Contains(config.Env, kv) {
			t.Errorf("the environment %q lacks %s", config.Env, kv)
		}
	}
	for key, value := range map[string]string{"from": "debootstrap", "team": "vision", "org.opencontainers.image.version": "1.0.0"} {
		if config.Labels[key] != value {
			t.Errorf("label %s is %q, want %q", key, config.Labels[key], value)
		}
	}
	config.Env, config.Labels = nil, nil
	if diff := cmp.Diff(inspected{
		User: "10001:10001", Cmd: []string{"python3", "/srv/app/whoami.py"}, WorkingDir: "/srv",
		ExposedPorts: map[string]struct{}{"8000/tcp": {}, "9000/udp": {}},
	}, config); diff != "" {
		t.Errorf("docker inspect (-want +got):\n%s", diff)
	}
}

func TestBaseFromTarball(t *testing.T) {
	e, d, r := needEngine(t), needDebian(t), startRegistry(t, account{})
	p := newPython(t, "tar:base.tar")
	must(t, "cp", d.saved, p.path("base.tar"))
	first := p.ship(t, "--registry", r.host, "--channel", "staging")
	r.accepted(t, pythonRepo, "staging", false)
	runsAsConfigured(t, e, r.ref(pythonRepo, "staging"))
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestBaseFromLayout(t *testing.T) {
	e, d, r := needEngine(t), needDebian(t), startRegistry(t, account{})
	p := newPython(t, "oci:base")
	copyDir(t, d.layout, p.path("base"))
	first := p.ship(t, "--registry", r.host, "--channel", "staging")
	r.accepted(t, pythonRepo, "staging", false)
	runsAsConfigured(t, e, r.ref(pythonRepo, "staging"))
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestBaseFromRegistryIsMounted(t *testing.T) {
	e, d, r := needEngine(t), needDebian(t), startRegistry(t, account{})
	d.push(t, r.ref("library/debian", suite))
	p := newPython(t, r.ref("library/debian", suite))
	first := p.ship(t, "--registry", r.host, "--channel", "staging")

	var base, ours int64
	for _, l := range first.report.Layers {
		switch {
		case l.Kind != "base":
			ours += l.Size
		case l.Origin == "mounted":
			base += l.Size
		default:
			t.Errorf("base layer %s is %s, want it mounted", l.Digest, l.Origin)
		}
	}
	const documents = 16 << 10 // bytes, more than the config and the manifest have
	moved := first.report.Transfer
	if base == 0 || moved.Mounted != base || moved.Uploaded < ours || moved.Uploaded > ours+documents {
		t.Errorf("mounted %d and uploaded %d bytes, want %d and a little over %d", moved.Mounted, moved.Uploaded, base, ours)
	}
	r.accepted(t, pythonRepo, "staging", false)
	runsAsConfigured(t, e, r.ref(pythonRepo, "staging"))
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestLargeModelIsStoredAsItIs(t *testing.T) {
	e, r := needEngine(t), startRegistry(t, account{})
	p := newProject(t, map[string]string{"ai-ship.yaml": `image: ghcr.io/acme/large
base: scratch
version: 1.0.0
platforms: [linux/` + runtime.GOARCH + `]
app: [{from: hello, to: /app/}]
models: [weights.bin]
command: [/app/hello]
`})
	const size = 20 << 20 // bytes
	p.random(t, "weights.bin", size, 1)
	must(t, "cp", shared.program(runtime.GOARCH, "hello"), p.dir)
	first := p.ship(t, "--registry", r.host, "--channel", "staging")
	for _, l := range first.report.Layers {
		if plain := strings.HasSuffix(l.MediaType, ".tar"); plain != (l.Kind == "model") {
			t.Errorf("the %s layer is %s", l.Kind, l.MediaType)
		}
	}
	r.accepted(t, "acme/large", "staging", true)

	image := r.ref("acme/large", "staging")
	e.pull(t, image)
	id := e.run(t, "create", image)
	e.remove(t, id)
	copied := filepath.Join(t.TempDir(), "weights.bin")
	e.run(t, "cp", id+":/models/weights.bin", copied)
	must(t, "cmp", copied, p.path("weights.bin"))
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestIndexListsEachPlatformOnce(t *testing.T) {
	e, r := needEngine(t), startRegistry(t, account{})
	p := newProject(t, map[string]string{"ai-ship.yaml": `image: ghcr.io/acme/hello
base: scratch
version: 1.0.0
platforms: [linux/amd64, linux/arm64]
app: [{from: "build/${TARGETARCH}", to: /app}]
command: [/app/hello]
`})
	for _, arch := range []string{"amd64", "arm64"} {
		copyDir(t, shared.program(arch), p.path(filepath.Join("build", arch)))
	}
	first := p.ship(t, "--registry", r.host, "--channel", "staging")
	r.accepted(t, "acme/hello", "staging", false)

	var index struct {
		Manifests []struct {
			Digest   string
			Platform struct{ OS, Architecture string }
		}
	}
	if err := json.Unmarshal([]byte(must(t, shared.program("crane"), "manifest", r.ref("acme/hello", "staging"))), &index); err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range index.Manifests {
		platforms = append(platforms, m.Platform.OS+"/"+m.Platform.Architecture)
		r.accepted(t, "acme/hello", m.Digest, false)
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, platforms); diff != "" {
		t.Errorf("the index's platforms (-want +got):\n%s", diff)
	}

	image := r.ref("acme/hello", "staging")
	e.pull(t, image)
	arch := e.run(t, "version", "--format", "{{.Server.Arch}}")
	if got := e.run(t, "run", "--rm", "--network", "host", image); got != arch {
		t.Errorf("the container on %s says %q", arch, got)
	}
	p.again(t, first, "--registry", r.host, "--channel", "staging")
}

func TestLayoutHoldsTheIndex(t *testing.T) {
	skopeo := need(t, "skopeo")
	p := newProject(t, map[string]string{
		"ai-ship.yaml": `image: ghcr.io/acme/hello
base: scratch
version: 1.0.0
platforms: [linux/amd64, linux/arm64]
app: [src]
`,
		"src/main.py": "print()\n",
	})
	dir := filepath.Join(t.TempDir(), "layout")
	first := p.ship(t, "--output", "oci:"+dir)
	copied := filepath.Join(t.TempDir(), "copied")
	must(t, skopeo, "copy", "--quiet", "--all", "oci:"+dir+":1.0.0", "dir:"+copied)
	for _, l := range first.report.Layers {
		if _, err := os.Stat(filepath.Join(copied, strings.TrimPrefix(l.Digest, "sha256:"))); err != nil {
			t.Errorf("%s layer for %s: %v", l.Kind, l.Platform, err)
		}
	}
}
