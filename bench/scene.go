package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/ai-ship/pkg/scan/vulndb"
)

const (
	modelSize = 4_000_000_000 // bytes
	packages  = "usr/local/lib/python3.11/dist-packages"
)

// dependencies are pinned, so that runs can be compared: 590 MB.
func dependencies(quick bool) []string {
	if quick {
		return []string{"numpy==2.4.6"}
	}
	return []string{"numpy==2.4.6", "scipy==1.17.1", "pandas==3.1.1", "scikit-learn==1.9.1", "pyarrow==26.0.1", "transformers==5.24.0"}
}

// Configs of the scene. What the gates say is not measured here.
const sceneFile = `image: localhost:5000/bench/scan
base: oci:%s
version: 1.0.0
app: [%s{from: src, to: /app}]
models: [{from: model.safetensors, to: /models}]
command: [python3, /app/part0/file000.py]
gates:
  vulnerabilities: {fail-on: critical, ignore-unfixed: true}
  secrets: allow
  models: {pickle: allow, fail-on: critical}
scan: {db: db.tar.gz, max-age: 9000h, accept: [no-advisories-debian, no-advisories-pip, jar-without-database]}
`

// scene is a Debian base with Python, dependencies and one model.
type scene struct {
	*lab
	name     string
	config   string
	registry *registry
	project  string
	database string // folder of trivy.db
}

func openScene(ctx context.Context, o options) (*scene, error) {
	kind, size := "scan", int64(modelSize)
	if o.quick {
		kind, size = "scan-quick", modelSize/10
	}
	s := &scene{project: filepath.Join(o.dir, kind), database: filepath.Join(o.dir, kind+"-db")}
	python := filepath.Join(o.dir, "debian-python.tar.gz")
	if err := makeBase(ctx, python, "--include=python3"); err != nil {
		return nil, fmt.Errorf("making the base: %w", err)
	}
	done := filepath.Join(s.project, "base.yaml") // written last
	if _, err := os.Stat(done); err == nil {
		return s, nil
	}
	if err := os.RemoveAll(s.project); err != nil {
		return nil, err
	}
	if err := writeSources(s.project); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(s.project, ".aishipignore"), "**/joblib/test\n"); err != nil { // harmful pickles
		return nil, err
	}
	if err := safetensors(filepath.Join(s.project, "model.safetensors"), size); err != nil {
		return nil, err
	}
	if err := s.advisories(ctx); err != nil {
		return nil, fmt.Errorf("making the database: %w", err)
	}
	if err := s.bases(ctx, python, dependencies(o.quick)); err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"app.yaml": fmt.Sprintf(sceneFile, "debian", "{from: site/"+packages+", to: /opt/packages}, "), "base.yaml": fmt.Sprintf(sceneFile, "python", ""),
	} {
		if err := writeFile(filepath.Join(s.project, name), text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// safetensors writes a model of one tensor of random bytes.
func safetensors(path string, size int64) error {
	const room = 256 // bytes of the header, spaces included
	header := fmt.Sprintf(`{"weight":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, size-8-room, size-8-room)
	if _, err := randomFile(path, 99, size); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(append([]byte{room % 256, room / 256, 0, 0, 0, 0, 0, 0}, fmt.Sprintf("%-*s", room, header)...), 0); err != nil {
		return err
	}
	return f.Close()
}

// advisories makes the repository's own small database, and unpacks it for trivy.
func (s *scene) advisories(ctx context.Context) error {
	archive, err := vulndb.Build(os.DirFS(filepath.Join("testdata", "vulndb")), time.Now().UTC().Truncate(24*time.Hour))
	if err != nil {
		return err
	}
	file := filepath.Join(s.project, "db.tar.gz")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(s.database, 0o755); err != nil {
		return err
	}
	return command(ctx, "tar", "-xzf", file, "-C", s.database)
}

// bases installs the dependencies, and writes the base with and without them.
func (s *scene) bases(ctx context.Context, python string, dependencies []string) error {
	site := filepath.Join(s.project, "site")
	pip := append([]string{"python3", "-m", "pip", "install", "--quiet", "--no-compile", "--target", filepath.Join(site, packages)}, dependencies...)
	if err := command(ctx, pip...); err != nil {
		return fmt.Errorf("installing the dependencies: %w", err)
	}
	layer := filepath.Join(s.project, "site.tar.gz")
	if err := command(ctx, "tar", "-czf", layer, "-C", site, "--owner=0", "--group=0", "--exclude=*/joblib/test", "."); err != nil {
		return err
	}
	if err := s.base("debian", python); err != nil {
		return err
	}
	if err := s.base("python", python, layer); err != nil {
		return err
	}
	return os.Remove(layer)
}

// base writes an image as a layout.
func (s *scene) base(name string, archives ...string) error {
	img := empty.Image
	for _, a := range archives {
		layer, err := tarball.LayerFromFile(a)
		if err != nil {
			return err
		}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{CreatedBy: "RUN " + filepath.Base(a)}}); err != nil {
			return err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", v1.Config{Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Cmd: []string{"bash"}}
	config.History = append(config.History, v1.History{CreatedBy: `CMD ["bash"]`, EmptyLayer: true}) // where trivy sees the base's end
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	to, err := layout.Write(filepath.Join(s.project, name), empty.Index)
	if err != nil {
		return err
	}
	return to.AppendImage(img)
}

func command(ctx context.Context, args ...string) error {
	if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("running %s: %w: %s", args[0], err, lastLine(out))
	}
	return nil
}
