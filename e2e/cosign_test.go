//go:build linux

package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/release"
)

const (
	withAPI    = "referrers API"
	withoutAPI = "fallback tag"
)

// predicateTypes are all that ai-ship attests about an image in a channel.
var predicateTypes = []string{
	attest.Verdict, attest.TestResult, attest.Provenance, attest.Vulnerabilities, attest.SBOM, release.PromotionPredicate,
}

// strangers are ai-ship, both cosigns, and the world around them.
type strangers struct {
	rig        rig
	page       []*passage
	path       map[string]string // a folder with the program, and what the page's commands call it
	registries map[string]registry
	nowhere    string // an address that refuses
	key, other string // folders with cosign.key and cosign.pub

	mu    sync.Mutex
	table map[string]map[string]*count // by registry and kind, by program
}

// count is how many commands of the page did what they should.
type count struct{ verified, refused int }

// kinds are the ways to sign, by the name that the page has for them.
func (s *strangers) kinds() map[string]string {
	key, keyless := "sign: {key: cosign.key, format: %s}\n", fmt.Sprintf(
		"sign: {keyless: true, fulcio: %q, timestamp: %q, trusted-root: trusted_root.json, rekor: %%s, format: %%s}\nverify: {identity: %q, issuer: %q}\n",
		s.rig.Fulcio, s.rig.Timestamp, s.rig.Job.Subject, s.rig.Job.Issuer)
	return map[string]string{
		"key-bundle":      fmt.Sprintf(key, "bundle"),
		"key-legacy":      fmt.Sprintf(key, "legacy"),
		"key-both":        fmt.Sprintf(key, "both"),
		"keyless-bundle":  fmt.Sprintf(keyless, s.rig.Rekor, "bundle"),
		"keyless-stamped": fmt.Sprintf(keyless, "none", "bundle"),
		"keyless-legacy":  fmt.Sprintf(keyless, "none", "legacy"),
		"keyless-both":    fmt.Sprintf(keyless, "none", "both"),
	}
}

func newStrangers(t *testing.T) *strangers {
	t.Helper()
	s := &strangers{
		rig: startRig(t), page: page(t), path: make(map[string]string), nowhere: freeAddr(t),
		registries: map[string]registry{withoutAPI: startRegistry(t, account{}), withAPI: startEmbedded(t)},
		key:        t.TempDir(), other: t.TempDir(), table: make(map[string]map[string]*count),
	}
	need(t, "jq")
	for _, peer := range []string{"cosign2", "cosign3", "ai-ship"} {
		dir := t.TempDir()
		s.path[peer] = dir
		if err := os.Symlink(shared.program("ai-ship"), filepath.Join(dir, "ai-ship")); err != nil {
			t.Fatal(err)
		}
		if peer == "ai-ship" {
			continue
		}
		program := needPeer(t, peer, "cosign")
		if err := os.Symlink(program, filepath.Join(dir, "cosign")); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"cosign2": "v2.6.5", "cosign3": "v3.1.3"}[peer]
		if said := must(t, program, "version", "--json"); !strings.Contains(said, `"`+want+`"`) {
			t.Fatalf("%s is another version than %s, which docs/verify.md names:\n%s", peer, want, said)
		}
	}
	for _, dir := range []string{s.key, s.other} {
		cmd := (project{env: []string{"COSIGN_PASSWORD=secret"}}).command(t, "keygen", "--out", filepath.Join(dir, "cosign"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("keygen: %v\n%s", err, out)
		}
	}
	return s
}

// startEmbedded is ai-ship's own registry, which has the referrers API.
func startEmbedded(t *testing.T) registry {
	t.Helper()
	dir := t.TempDir()
	r := registry{host: freeAddr(t), dir: filepath.Join(dir, ".ai-ship", "registry")}
	cmd := exec.Command(shared.program("ai-ship"), "registry", "-c", filepath.Join(dir, "ai-ship.yaml"), "--addr", r.host)
	server, err := start(cmd, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.until(startTime, func() bool { return answers(t, "http://"+r.host+"/v2/") }); err != nil {
		t.Fatal(err)
	}
	return r
}

// project is one that signs as kind says; no kind does not sign.
func (s *strangers) project(t *testing.T, kind, signing string) project {
	t.Helper()
	p := newProject(t, map[string]string{
		"ai-ship.yaml": "image: ghcr.io/acme/" + kind + `
base: scratch
version: 1.0.0
app: [src]
reports: [r.json]
gates: {metrics: [{name: accuracy, min: 0.95}], vulnerabilities: {fail-on: critical}}
channels: {staging: {on: ["branch:develop"]}}
` + signing,
		"src/main.py": "print('" + kind + "')\n",
		"r.json":      `{"accuracy": 0.97}`,
	})
	s.equip(t, p.dir, kind)
	p.env = []string{"COSIGN_PASSWORD=secret"}
	if strings.HasPrefix(kind, "keyless") {
		for name, value := range s.rig.Env {
			p.env = append(p.env, name+"="+value)
		}
	}
	return p
}

// equip puts the files that the page's commands name into a folder.
func (s *strangers) equip(t *testing.T, dir, kind string) {
	t.Helper()
	s.rig.write(t, dir, kind == "keyless-bundle")
	for _, name := range []string{"cosign.key", "cosign.pub"} {
		text, err := os.ReadFile(filepath.Join(s.key, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), string(text))
	}
}

// sh runs commands of the page. Nothing but loopback can be reached.
func (s *strangers) sh(t *testing.T, program, dir, script string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + s.path[program] + ":" + os.Getenv("PATH"), "HOME=" + dir, "COSIGN_PASSWORD=secret",
		"HTTPS_PROXY=http://" + s.nowhere, "HTTP_PROXY=http://" + s.nowhere, "NO_PROXY=127.0.0.1",
		"IDENTITY=" + s.rig.Job.Subject, "ISSUER=" + s.rig.Job.Issuer, "TOKEN=" + s.rig.Job.Token,
	}, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestCosign holds what ai-ship signs and what cosign signs against each other,
// by the commands of docs/verify.md.
func TestCosign(t *testing.T) {
	s := newStrangers(t)
	plain := s.project(t, "plain", "")
	digests := make(map[string]string)
	for name, r := range s.registries {
		digests[name] = plain.ship(t, "--registry", r.host).report.Digest
	}
	t.Run("refuses", func(t *testing.T) { s.refuses(t) })
	t.Run("ai-ship", func(t *testing.T) {
		for kind, signing := range s.kinds() {
			for name := range s.registries {
				t.Run(kind+" "+name, func(t *testing.T) {
					t.Parallel()
					c := &cell{strangers: s, kind: kind, registry: name, plain: digests[name]}
					c.ship(t, signing)
					c.run(t)
				})
			}
		}
	})
	if t.Failed() {
		return
	}
	predicate := s.predicate(t)
	t.Run("traps", func(t *testing.T) { s.traps(t, digests[withAPI], predicate) })
	t.Run("cosign", func(t *testing.T) {
		for _, p := range s.page {
			for name := range s.registries {
				if p.does != "sign" {
					continue
				}
				t.Run(p.program+" "+p.kinds[0]+" "+name, func(t *testing.T) {
					t.Parallel()
					s.reverse(t, p, name, digests[name], predicate)
				})
			}
		}
	})
	s.complete(t)
	if !t.Failed() {
		s.print(t)
	}
}

// refuses asks for what cannot be stored, and finds nothing pushed.
func (s *strangers) refuses(t *testing.T) {
	for _, format := range []string{"legacy", "both"} {
		signing := strings.Replace(s.kinds()["keyless-bundle"], "format: bundle", "format: "+format, 1)
		r := s.registries[withoutAPI]
		before := r.storage(t)
		got := s.project(t, "keyless-refused", signing).run(t, "--registry", r.host)
		if got.code == 0 || !strings.Contains(got.stderr, "entries of a log of version 2 do not fit into .sig and .att tags") {
			t.Errorf("%s tags with a log of version 2: exit %d\n%s", format, got.code, got.stderr)
		}
		r.unchanged(t, before)
	}
}

// predicate is a verdict of ai-ship's, as cosign is to attest it.
func (s *strangers) predicate(t *testing.T) string {
	t.Helper()
	r := s.registries[withAPI]
	image := r.ref("acme/key-bundle", r.digest(t, "acme/key-bundle", "staging"))
	out := must(t, filepath.Join(s.path["cosign3"], "cosign"), "verify-attestation", "--key", filepath.Join(s.key, "cosign.pub"),
		"--insecure-ignore-tlog", "--type", attest.Verdict, image)
	var envelope struct{ Payload []byte }
	var statement struct{ Predicate json.RawMessage }
	if err := json.Unmarshal([]byte(out), &envelope); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := json.Unmarshal(envelope.Payload, &statement); err != nil {
		t.Fatalf("%v\n%s", err, base64.StdEncoding.EncodeToString(envelope.Payload))
	}
	return string(statement.Predicate)
}

// reverse has cosign sign an image and ai-ship verify it.
func (s *strangers) reverse(t *testing.T, p *passage, name, digest, predicate string) {
	r, dir := s.registries[name], t.TempDir()
	repo, row := "acme/by-"+p.program+"-"+p.kinds[0], p.kinds[0]+" by "+p.program
	must(t, shared.program("crane"), "copy", r.ref("acme/plain", digest), r.ref(repo, "plain"))
	s.equip(t, dir, p.kinds[0])
	writeFile(t, filepath.Join(dir, "predicate.json"), predicate)
	env := []string{"IMAGE=" + r.ref(repo, digest), "TYPE=" + attest.Verdict}
	out, err := s.sh(t, p.program, dir, strings.Join(p.commands, "\n"), env...)
	if err != nil || !strings.Contains(out, "\nVERIFIED") || !strings.Contains(out, "accuracy") {
		t.Fatalf("docs/verify.md:%d: %v\n%s", p.line, err, out)
	}
	verify := p.commands[len(p.commands)-1]
	s.add(row, name, "ai-ship", count{verified: 1})
	if strings.Contains(verify, " --any-repository") {
		out, err := s.sh(t, p.program, dir, strings.ReplaceAll(verify, " --any-repository", ""), env...)
		if err == nil || !strings.Contains(out, "its subject names no repository") {
			t.Errorf("without --any-repository: %v\n%s", err, out)
		}
	}
	for _, f := range s.refusals(t, p.kinds[0], "") {
		if f.image {
			continue
		}
		s.refused(t, p, f, dir, verify, env)
		s.add(row, name, "ai-ship", count{refused: 1})
	}
}

// refusal is a wrong thing in a command that is right.
type refusal struct {
	name    string
	env     []string
	pub     string // the folder that cosign.pub is taken from
	image   bool   // another image
	typed   bool   // for commands that name a type
	reasons string // a pattern
}

// refusals are all that an image of a kind must be refused for; replayed is
// another image that has its signatures.
func (s *strangers) refusals(t *testing.T, kind, replayed string) []refusal {
	t.Helper()
	all := []refusal{
		{name: "another image", env: []string{"IMAGE=" + replayed}, image: true,
			reasons: `does not match any digest in statement|no matching subject digest found|invalid or missing digest in claim|is about another digest`},
		{name: "another type", env: []string{"TYPE=https://example.com/another"}, typed: true,
			reasons: `none of the attestations matched the predicate type|it has no statement https://example.com/another`},
	}
	if !strings.HasPrefix(kind, "keyless") {
		return append(all, refusal{name: "another key", pub: s.other,
			reasons: `accepted signatures do not match threshold|invalid signature when validating ASN.1|it has no signature by key`})
	}
	const who = `no matching CertificateIdentity|none of the expected identities matched|it has no signature by "https`
	return append(all,
		refusal{name: "another identity", env: []string{"IDENTITY=" + s.rig.Other.Subject}, reasons: who},
		refusal{name: "another issuer", env: []string{"ISSUER=https://issuer.example.com"}, reasons: who})
}

// refused fails the test unless the command ends with one of the reasons.
func (s *strangers) refused(t *testing.T, p *passage, f refusal, dir, command string, env []string) {
	t.Helper()
	if f.pub != "" {
		other := t.TempDir()
		copyDir(t, dir, other)
		text, err := os.ReadFile(filepath.Join(f.pub, "cosign.pub"))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(other, "cosign.pub"), string(text))
		dir = other
	}
	out, err := s.sh(t, p.program, dir, command, append(slices.Clone(env), f.env...)...)
	if err == nil || !regexp.MustCompile(f.reasons).MatchString(out) {
		t.Errorf("docs/verify.md:%d: %s: want a refusal for %q, got %v\n%s\n%s", p.line, f.name, f.reasons, err, command, out)
	}
}

// add counts for the table.
func (s *strangers) add(row, registry, program string, c count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := row + "\t" + registry
	if s.table[key] == nil {
		s.table[key] = make(map[string]*count)
	}
	if s.table[key][program] == nil {
		s.table[key][program] = &count{}
	}
	s.table[key][program].verified += c.verified
	s.table[key][program].refused += c.refused
}

// complete fails the test unless the page had each program verify the signature
// and every statement of each kind, and refuse it for each reason, on each
// registry; and ai-ship what each cosign signs.
func (s *strangers) complete(t *testing.T) {
	t.Helper()
	atLeast := func(row, program string, verified, refused int) {
		for name := range s.registries {
			got := s.table[row+"\t"+name][program]
			if got == nil || got.verified < verified || got.refused < refused {
				t.Errorf("%s on the registry with %s: %s has %+v, want %d verified and %d refused", row, name, program, got, verified, refused)
			}
		}
	}
	for kind := range s.kinds() {
		reasons := len(s.refusals(t, kind, ""))
		for program := range s.path {
			atLeast(kind, program, 1+len(predicateTypes), 2*reasons-1)
		}
	}
	for _, row := range []string{
		"key-bundle by cosign2", "key-legacy by cosign2", "key-bundle by cosign3", "key-legacy by cosign3", "keyless-bundle by cosign3",
	} {
		atLeast(row, "ai-ship", 1, 2)
	}
}

// print prints the table.
func (s *strangers) print(t *testing.T) {
	t.Helper()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "signed by\tregistry\tai-ship\tcosign 2\tcosign 3\t(commands of docs/verify.md: verified/refused)")
	rows := make([]string, 0, len(s.table))
	for row := range s.table {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	for _, row := range rows {
		fmt.Fprint(w, row)
		for _, program := range []string{"ai-ship", "cosign2", "cosign3"} {
			cell := "–"
			if c := s.table[row][program]; c != nil {
				cell = fmt.Sprintf("%d/%d", c.verified, c.refused)
			}
			fmt.Fprint(w, "\t"+cell)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	figure(t, "%s", strings.TrimRight(text.String(), "\n"))
}
