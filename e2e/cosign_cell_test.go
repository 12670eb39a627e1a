//go:build linux

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/attest"
)

// cell is one kind of signature in one registry.
type cell struct {
	*strangers
	kind, registry string
	plain          string // digest of an image that is not signed

	project  project
	digest   string
	replayed string // another image of the repository, to which the signatures were copied
}

func (c *cell) repo() string { return "acme/" + c.kind }

func (c *cell) env() []string {
	return []string{"IMAGE=" + c.registries[c.registry].ref(c.repo(), c.digest), "TYPE=" + attest.Verdict}
}

// ship builds and signs the image, moves a channel onto it, and copies all its
// signatures to the plain one.
func (c *cell) ship(t *testing.T, signing string) {
	t.Helper()
	r := c.registries[c.registry]
	c.project = c.strangers.project(t, c.kind, signing)
	c.digest = c.project.ship(t, "--registry", r.host, "--channel", "staging").report.Digest
	must(t, shared.program("crane"), "copy", r.ref("acme/plain", c.plain), r.ref(c.repo(), "plain"))
	c.replayed = r.ref(c.repo(), c.plain)
	if n := c.replay(t); n == 0 {
		t.Fatal("the image has no signatures that could be copied")
	}
}

// replay copies cosign's tags and every referrer to the plain image, and returns
// how many.
func (c *cell) replay(t *testing.T) (copied int) {
	t.Helper()
	r := c.registries[c.registry]
	tag := func(digest, suffix string) string {
		return r.ref(c.repo(), strings.Replace(digest, ":", "-", 1)+suffix)
	}
	for _, suffix := range []string{".sig", ".att"} {
		if strings.HasSuffix(c.kind, "-legacy") || strings.HasSuffix(c.kind, "-both") {
			must(t, shared.program("crane"), "copy", tag(c.digest, suffix), tag(c.plain, suffix))
			copied++
		}
	}
	from, err := name.NewDigest(r.ref(c.repo(), c.digest))
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.NewDigest(c.replayed)
	if err != nil {
		t.Fatal(err)
	}
	subject, err := remote.Head(to)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Referrers(from)
	if err != nil {
		t.Fatal(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list.Manifests {
		got, err := remote.Get(from.Context().Digest(d.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		m := make(map[string]any)
		if err := json.Unmarshal(got.Manifest, &m); err != nil {
			t.Fatal(err)
		}
		m["subject"] = v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		hash, _, err := v1.SHA256(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Put(from.Context().Digest(hash.String()), referrer(text)); err != nil {
			t.Fatal(err)
		}
		copied++
	}
	return copied
}

// referrer is a manifest as it is.
type referrer []byte

func (r referrer) RawManifest() ([]byte, error)        { return r, nil }
func (r referrer) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// run does with the image whatever the page says about its kind.
func (c *cell) run(t *testing.T) {
	for _, p := range c.page {
		if !slices.Contains(p.kinds, c.kind) {
			continue
		}
		switch p.does {
		case "sign": // an image of its own
		case "ci":
			c.verifies(t, p)
		case "fails":
			c.fails(t, p)
		case "mirror":
			c.mirror(t, p)
		default:
			t.Errorf("docs/verify.md:%d: %q is not known", p.line, p.does)
		}
	}
}

// verifies runs each command, those with a type for every type, and then with
// something wrong.
func (c *cell) verifies(t *testing.T, p *passage) {
	var printed string
	verified := make(map[string]bool)
	for _, command := range p.checks() {
		kinds := predicateTypes[:1]
		typed := strings.Contains(command, "$TYPE")
		if typed {
			kinds = predicateTypes
		}
		for _, predicate := range kinds {
			out, err := c.sh(t, p.program, c.project.dir, command, append(c.env(), "TYPE="+predicate)...)
			if err != nil {
				t.Errorf("docs/verify.md:%d: %s: %v\n%s\n%s", p.line, predicate, err, command, out)
				continue
			}
			verified[command+predicate] = true
			printed += out
		}
		if strings.Contains(command, "|") {
			continue // ends as the last program of the pipe does
		}
		for _, f := range c.refusals(t, c.kind, c.replayed) {
			if f.typed && !typed {
				continue
			}
			c.refused(t, p, f, c.project.dir, command, c.env())
			c.add(c.kind, c.registry, p.program, count{refused: 1})
		}
	}
	p.printed(t, printed)
	c.add(c.kind, c.registry, p.program, count{verified: len(verified)})
}

// fails runs commands that the page says fail.
func (c *cell) fails(t *testing.T, p *passage) {
	for _, command := range p.checks() {
		out, err := c.sh(t, p.program, c.project.dir, command, c.env()...)
		if err == nil {
			t.Errorf("docs/verify.md:%d: it works, and should not\n%s", p.line, command)
		}
		p.printed(t, out)
	}
}

// mirror copies the image to the other registry and verifies it there.
func (c *cell) mirror(t *testing.T, p *passage) {
	other := map[string]string{withAPI: withoutAPI, withoutAPI: withAPI}[c.registry]
	repo := c.registries[other].host + "/mirror/" + p.program + "-" + c.kind
	out, err := c.sh(t, p.program, c.project.dir, strings.Join(p.commands, "\n"), append(c.env(), "MIRROR="+repo)...)
	if err != nil || !strings.Contains(out, "\nVERIFIED") {
		t.Errorf("docs/verify.md:%d: %v\n%s", p.line, err, out)
	}
}
