package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const (
	shards    = 8
	shardSize = 400_000_000 // bytes
	textFiles = 200
	textSize  = 8 << 10 // bytes of each
)

// files every builder needs; ${REGISTRY} is the registry of the case.
const (
	shipFile = `image: ${REGISTRY}/bench/app
base: ${REGISTRY}/bench/base:1
app: [{from: src, to: /app}]
models: [{from: models, to: /models}]
command: [/bin/true]
`
	dockerfile = `ARG BASE
FROM ${BASE}
COPY models /models
COPY src /app
CMD ["/bin/true"]
`
	dockerignore = ".ai-ship\nai-ship-out\n"
)

// dataset is what every case builds from, made once.
type dataset struct {
	project string // models/, src/, Dockerfile, ai-ship.yaml
	copied  string // the same in other files, as on a fresh machine
	baseTar string // a Debian root, tar and gzip
	shards  []shard
}

// shard is one model file and its digest, known beforehand for the bare upload.
type shard struct {
	Path   string
	Digest string // sha256:…
}

// bytes of all model files.
func (d dataset) bytes() (n int64) {
	for _, s := range d.shards {
		if info, err := os.Stat(s.Path); err == nil {
			n += info.Size()
		}
	}
	return n
}

func openDataset(ctx context.Context, o options) (dataset, error) {
	kind, size := "full", int64(shardSize)
	if o.quick {
		kind, size = "quick", shardSize/10
	}
	root := filepath.Join(o.dir, kind)
	d := dataset{
		project: filepath.Join(root, "project"), copied: filepath.Join(root, "copied"),
		baseTar: filepath.Join(o.dir, "debian.tar.gz"),
	}
	if err := makeBase(ctx, d.baseTar); err != nil {
		return d, fmt.Errorf("making the base: %w", err)
	}
	if !o.asked(pushCases()...) {
		return d, nil
	}
	known := filepath.Join(root, "shards.json") // written last
	if text, err := os.ReadFile(known); err == nil {
		return d, json.Unmarshal(text, &d.shards)
	}
	fmt.Fprintf(os.Stderr, "making %d MB of data in %s\n", shards*size/1_000_000, root)
	for i := range shards {
		s := shard{Path: filepath.Join(d.project, "models", fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, shards))}
		var err error
		if s.Digest, err = randomFile(s.Path, uint64(i), size); err != nil {
			return d, err
		}
		d.shards = append(d.shards, s)
	}
	if err := writeSources(d.project); err != nil {
		return d, err
	}
	if err := os.CopyFS(d.copied, os.DirFS(d.project)); err != nil {
		return d, err
	}
	text, err := json.MarshalIndent(d.shards, "", "  ")
	if err != nil {
		return d, err
	}
	return d, os.WriteFile(known, text, 0o644)
}

// randomFile writes bytes that do not compress, the same for the same seed.
func randomFile(path string, seed uint64, size int64) (digest string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	key := make([]byte, 16)
	binary.LittleEndian.PutUint64(key, seed)
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	stream, sum := cipher.NewCTR(block, make([]byte, aes.BlockSize)), sha256.New()
	buf := make([]byte, 1<<20)
	for left := size; left > 0; {
		part := buf[:min(left, int64(len(buf)))]
		clear(part)
		stream.XORKeyStream(part, part)
		sum.Write(part)
		if _, err := f.Write(part); err != nil {
			return "", err
		}
		left -= int64(len(part))
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), f.Close()
}

// writeSources writes the code and the builders' files.
func writeSources(project string) error {
	words := strings.Fields("import return self model tensor batch def class for in range if else None True layer weight bias forward loss step")
	r := rand.New(rand.NewPCG(1, 2))
	for i := range textFiles {
		var text strings.Builder
		for text.Len() < textSize {
			text.WriteString(words[r.IntN(len(words))])
			text.WriteByte(" \n"[r.IntN(8)/7])
		}
		path := filepath.Join(project, "src", fmt.Sprintf("part%d", i/20), fmt.Sprintf("file%03d.py", i))
		if err := writeFile(path, text.String()); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"ai-ship.yaml": shipFile, "Dockerfile": dockerfile, ".dockerignore": dockerignore} {
		if err := writeFile(filepath.Join(project, name), text); err != nil {
			return err
		}
	}
	return nil
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// changeByte makes a code-only change that no earlier run has seen.
func changeByte(project string, nth int) error {
	f, err := os.OpenFile(filepath.Join(project, "src", "part5", "file100.py"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	old := make([]byte, 1)
	at := int64(100 + nth)
	if _, err := f.ReadAt(old, at); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte{(old[0]-31)%95 + 32}, at); err != nil { // the next printable byte
		return err
	}
	return f.Close()
}

// makeBase makes a Debian root with debootstrap, once.
func makeBase(ctx context.Context, path string, flags ...string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	root, err := os.MkdirTemp(filepath.Dir(path), "debian-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	part := path + ".part"
	for _, args := range [][]string{
		append(append([]string{"debootstrap", "--variant=minbase"}, flags...), "bookworm", root),
		{"tar", "-czf", part, "-C", root, "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "."},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("running %s: %w", args[0], err)
		}
	}
	return os.Rename(part, path)
}

// pushBase puts the base into a registry as an image of one layer.
func (d dataset) pushBase(ctx context.Context, host string) error {
	layer, err := tarball.LayerFromFile(d.baseTar)
	if err != nil {
		return err
	}
	img, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", "amd64", v1.Config{Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	ref, err := name.ParseReference(host + "/bench/base:1")
	if err != nil {
		return err
	}
	return remote.Write(ref, img, remote.WithContext(ctx))
}

// archive writes a tar of folders below project, for crane.
func archive(ctx context.Context, project, path string, folders ...string) error {
	args := append([]string{"-cf", path, "-C", project}, folders...)
	out, err := exec.CommandContext(ctx, "tar", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("running tar: %w: %s", err, lastLine(out))
	}
	return nil
}
