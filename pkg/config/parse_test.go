package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/unit"
)

// minimal is the least that parses; tests append to it.
const minimal = "image: ghcr.io/acme/digits\nbase: scratch\napp: [src]\n"

// environ is the environment of all tests.
func environ(name string) string {
	return map[string]string{"COMMIT": "3b5c9f3", "HOME": "/root", "BIG": strings.Repeat("x", 40<<10)}[name]
}

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("ai-ship.yaml", []byte(text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t *testing.T, dir, name string) (*config.Config, error) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	data, err := config.Read(root, name)
	if err != nil {
		return nil, err
	}
	return config.Parse(name, data, environ)
}

func limit(value float64, u unit.Unit, text string) *config.Limit {
	return &config.Limit{Quantity: unit.Quantity{Value: value, Unit: u}, Text: text}
}

func TestParseSmallest(t *testing.T) {
	got, err := load(t, "testdata/valid", "smallest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Image:   "ghcr.io/acme/digits",
		Base:    "python:3.11-slim",
		App:     []config.Copy{{From: "src", To: "/app"}},
		Models:  []config.Copy{{From: "models/digits.safetensors", To: "/models"}},
		Command: config.Command{"python", "/app/serve.py"},
		Reports: []string{"reports/*.xml", "reports/*.json"},
		Gates: config.Gates{
			Size: config.SizeGate{Max: limit(1.1e9, unit.Bytes, "1.1GB")},
			Metrics: []config.MetricGate{
				{Name: "inference_time", Stat: "p95", Max: limit(0.1, unit.Seconds, "100ms"), Required: new(true)},
				{Name: "accuracy", Min: limit(0.95, unit.None, "0.95"), Required: new(true)},
			},
			Models: &config.ModelGate{Pickle: "deny", FailOn: "high"}, Secrets: "deny",
		},
		Scan:      config.Scan{MaxAge: "48h"},
		Platforms: []string{"linux/amd64"},
		Preset:    "none",
		User:      "aiuser",
		Workdir:   "/app",
		Version:   config.Version{From: "git"},
		Channels: map[string]config.Channel{
			"staging":    {On: []string{"branch:develop"}},
			"production": {On: []string{"tag:v*"}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestParseFullest(t *testing.T) {
	got, err := load(t, "testdata/valid", "fullest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Gates{
		Size: config.SizeGate{Max: limit(1.1e9, unit.Bytes, "1.1GB"), Growth: limit(0.1, unit.Ratio, "10%")},
		Metrics: []config.MetricGate{
			{Name: "inference_time", Stat: "p95", Max: limit(0.1, unit.Seconds, "100ms"), Required: new(true)},
			{Name: "accuracy", Min: limit(0.95, unit.None, "0.95"), Regression: limit(0.01, unit.Ratio, "1%"), Required: new(true)},
			{Name: "gpu_memory", Max: limit(2e9, unit.Bytes, "2GB"), Required: new(false)},
		},
		Vulnerabilities: &config.Vulnerability{FailOn: "high", Unknown: "warn", IgnoreUnfixed: true, OnlyNew: true, IgnoreFile: ".trivyignore.yaml"},
		Models:          &config.ModelGate{Allow: []string{"safetensors", "onnx", "gguf"}, Pickle: "deny", FailOn: "high"},
		Secrets:         "deny",
		Licenses:        &config.LicenseGate{Deny: []string{"AGPL-3.0-only", "forbidden"}},
	}
	if diff := cmp.Diff(want, got.Gates); diff != "" {
		t.Errorf("gates (-want +got):\n%s", diff)
	}
	channels := map[string]config.Channel{
		"staging":    {On: []string{"branch:develop"}},
		"production": {On: []string{"tag:v*"}, After: "staging", Soak: "1h"},
	}
	if diff := cmp.Diff(channels, got.Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&config.Sign{Keyless: true, Format: "bundle"}, got.Sign); diff != "" {
		t.Errorf("sign (-want +got):\n%s", diff)
	}
}

func TestParseShapes(t *testing.T) {
	got, err := load(t, "testdata/valid", "shapes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Image:      "localhost:5000/acme/digits",
		Base:       "oci:base",
		App:        []config.Copy{{From: "bin/${TARGETOS}-${TARGETARCH}/serve", To: "/app"}, {From: "src", To: "/srv/"}},
		Models:     []config.Copy{{From: "models/*.safetensors", To: "/models"}},
		Entrypoint: config.Command{"/bin/sh", "-c", "exec python /srv/serve.py\n"},
		Command:    config.Command{},
		Reports:    []string{"reports/**/*.{xml,json}"},
		Gates: config.Gates{
			Size: config.SizeGate{
				Max:      limit(1e9, unit.Bytes, "1 GB"),
				Unpacked: limit(4<<30, unit.Bytes, "4GiB"),
				Growth:   limit(50e6, unit.Bytes, "50MB"),
			},
			Metrics: []config.MetricGate{
				{Name: "latency", Max: limit(100, unit.None, "100"), Unit: "ms", Report: "reports/bench.json", Pointer: "/a~1b/0", Required: new(true)},
				{Name: "drift", Regression: limit(0, unit.None, "0"), Required: new(true)},
			},
			Models: &config.ModelGate{Pickle: "deny", FailOn: "high"}, Secrets: "deny",
		},
		Scan:      config.Scan{MaxAge: "48h"},
		Platforms: []string{"linux/arm/v7"},
		Preset:    "none",
		User:      "10001",
		Workdir:   "/app",
		Env:       map[string]string{"THREADS": "4", "RATIO": "0.50", "DEBUG": "true", "EMPTY": "", "PRICE": "$$5 $HOME"},
		Ports:     []string{"8000", "9000/udp"},
		Labels: map[string]string{
			"org.opencontainers.image.revision": "3b5c9f3",
			"price":                             "$5 $HOME",
			"stable":                            "no",
			"level":                             "010",
		},
		Version:   config.Version{From: "1.20"},
		Sign:      &config.Sign{Key: "env://COSIGN_PRIVATE_KEY", Format: "bundle"},
		Channels:  map[string]config.Channel{},
		CacheFrom: []string{"ghcr.io/acme/cache:latest"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestParseIgnoresByteOrderMark(t *testing.T) {
	if got := parse(t, "\uFEFF"+minimal); got.Image != "ghcr.io/acme/digits" {
		t.Errorf("image = %q", got.Image)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "outside")); err != nil {
		t.Fatal(err)
	}
	big := append([]byte(minimal+"#"), make([]byte, config.MaxSize)...)
	if err := os.WriteFile(filepath.Join(dir, "big"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"missing": `reading config "missing": file does not exist`,
		"dir":     `reading config "dir": expected a regular file, found mode drwxr-xr-x`,
		"pipe":    `reading config "pipe": expected a regular file, found mode prw-r--r--`,
		"outside": `reading config "outside": statat outside: path escapes from parent`,
		"big":     "big:1:1: the file is larger than 1048576 bytes\n1 | image: ghcr.io/acme/digits\n  | ^",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, dir, name)
			if c != nil || err == nil || err.Error() != want {
				t.Errorf("Load = %v, %v; want %s", c, err, want)
			}
		})
	}
	_, err := load(t, dir, "missing")
	if hints := hint.Of(err); !errors.Is(err, fs.ErrNotExist) || len(hints) != 1 || !strings.Contains(hints[0], "ai-ship init") {
		t.Errorf("error %v has hints %q", err, hints)
	}
}

// TestParseIsBounded feeds what would make the YAML parser recurse or allocate
// without end.
func TestParseIsBounded(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"flow":       {strings.Repeat("[", 65), "x:1:65: nested too deeply"},
		"lists":      {strings.Repeat("- ", 120), "x:1:201: nested too deeply"},
		"indent":     {strings.Repeat(" ", 200) + "a: 1", "x:1:202: nested too deeply"},
		"keys":       {strings.Repeat("a: 1\n", 7000), "x:6667:4: the file has more than 20000 keys and values"},
		"long key":   {strings.Repeat("k", 257) + ": 1", "x:1:1: the key is longer than 256 bytes"},
		"expansion":  {minimal + "labels: {a: \"${BIG}${BIG}\"}", "x:4:13: labels.a: the value is longer than 65536 bytes"},
		"big bytes":  {strings.Repeat("#", config.MaxSize+1), "x:1:1: the file is larger than 1048576 bytes"},
		"errors":     {strings.Repeat("!!x ", 19_000), "x:1:1: tags are not supported"},
		"syntax":     {strings.Repeat("|", 1000), "x:1:1: invalid YAML: invalid header option: \"" + strings.Repeat("|", 462) + "…"},
		"long key 2": {"{image: a/b, base: scratch, app: [a], " + strings.Repeat("k", 1000) + "}", "x:1:39: " + strings.Repeat("k", 500) + "…: unknown key \"" + strings.Repeat("k", 80) + "…\"; expected one of app, base, cache-from, channels, command, entrypoint, env, gates, image, labels, models, platforms, ports, preset, reports, scan, sign, user, verify, version, workdir"},
		"long value": {minimal + "preset: " + strings.Repeat("v", 1000), "x:4:9: preset: unknown value \"" + strings.Repeat("v", 80) + "…\"; expected one of none, onnxruntime, pytorch, tensorflow"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("x", []byte(tc.text), environ)
			if err == nil {
				t.Fatal("no error")
			}
			if first, _, _ := strings.Cut(err.Error(), "\n"); first != tc.want {
				t.Errorf("error = %s\nwant    %s", first, tc.want)
			}
		})
	}
}
