package policy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/internal/keyless"
	"github.com/org/ai-ship/pkg/policy"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

// engine is the program of another project that holds an image to a policy. It
// is what the module e2e/interop/NAME makes.
type engine struct {
	name, program string
	inCI          bool // where nothing may be skipped, its program must be there
	write         writer
	args          func(t *testing.T, files []policy.File, image string) []string
}

func controller() engine {
	return engine{"policycontroller", "tester", true, policy.Demand.PolicyController, func(t *testing.T, files []policy.File, image string) []string {
		args := []string{"-log-level", "error", "-image", image, "-policy", kept(t, files[0].Data)}
		if len(files) > 1 {
			args = append(args, "-trustroot", kept(t, files[1].Data))
		}
		return args
	}}
}

func kyverno() engine {
	return engine{"kyverno", "kubectl-kyverno", false, policy.Demand.Kyverno, func(t *testing.T, files []policy.File, image string) []string {
		pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: digits}\nspec: {containers: [{name: digits, image: " + image + "}]}\n"
		return []string{"apply", kept(t, files[0].Data), "--resource", kept(t, []byte(pod)), "--registry", "--remove-color"}
	}}
}

func kyvernoCEL() engine {
	e := kyverno()
	e.write = policy.Demand.KyvernoCEL
	return e
}

// kept is a file with the text.
func kept(t *testing.T, text []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "document.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// need is the engine's program, as AI_SHIP_E2E_NAME says.
func (e engine) need(t *testing.T) string {
	t.Helper()
	variable := "AI_SHIP_E2E_" + strings.ToUpper(e.name)
	program := os.Getenv(variable)
	if program != "" {
		return program
	}
	reason := fmt.Sprintf("%s names no program: make interop PEER=%s OUT=DIR, and set it to DIR/%s", variable, e.name, e.program)
	if e.inCI && os.Getenv("AI_SHIP_E2E") == "require" {
		t.Fatal(reason)
	}
	t.Skip(reason)
	return ""
}

// admits says whether the engine lets the image run, and what it says.
func (e engine) admits(t *testing.T, program string, d policy.Demand, image name.Digest) (bool, string) {
	t.Helper()
	files, err := e.write(d)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, e.args(t, files, image.Name())...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if bytes.Contains(out, []byte("panic:")) {
		t.Fatalf("%s: %s", program, out)
	}
	return err == nil, string(out)
}

// image is what a test pushes: the statements about it, and who says them.
type image struct {
	statements []sign.Statement
	by         *sigstore.Signer // nil: nobody
	unsigned   bool             // the statements stand without the signature
	elsewhere  bool             // it was signed in another repository and copied
}

// push puts the image into the registry.
func (i image) push(t *testing.T, host string) name.Digest {
	t.Helper()
	repo := host + "/acme/digits"
	made := repo
	if i.elsewhere {
		made = host + "/acme/other"
	}
	random, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := random.Digest()
	if err != nil {
		t.Fatal(err)
	}
	digest := must(name.NewDigest(made + "@" + hash.String()))(t)
	if err := remote.Write(digest, random); err != nil {
		t.Fatal(err)
	}
	statements := append([]sign.Statement(nil), i.statements...)
	for n, s := range statements {
		statements[n].Predicate = bytes.ReplaceAll(s.Predicate, []byte("DIGEST"), []byte(hash.String()))
	}
	switch {
	case i.by == nil:
	case i.unsigned:
		_, err = i.by.Attest(t.Context(), digest, statements)
	default:
		_, err = i.by.Sign(t.Context(), digest, statements)
	}
	if err != nil {
		t.Fatal(err)
	}
	if i.elsewhere {
		copyTags(t, made, repo)
		digest = must(name.NewDigest(repo + "@" + hash.String()))(t)
		if err := remote.Write(digest, random); err != nil {
			t.Fatal(err)
		}
	}
	return digest
}

// copyTags copies all that a registry without the referrers API has in tags.
func copyTags(t *testing.T, from, to string) {
	t.Helper()
	source, target := must(name.NewRepository(from))(t), must(name.NewRepository(to))(t)
	for _, tag := range must(remote.List(source))(t) {
		found := must(remote.Get(source.Tag(tag)))(t)
		var err error
		if found.MediaType.IsIndex() {
			err = remote.WriteIndex(target.Tag(tag), must(found.ImageIndex())(t))
		} else {
			err = remote.Write(target.Tag(tag), must(found.Image())(t))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// said are the statements of a run and its promotion.
type said struct {
	verdict, scan sign.Statement
	moves         []sign.Statement
}

func saying(t *testing.T, passed bool, scanned time.Duration, channels ...string) said {
	t.Helper()
	at := time.Now().Add(-scanned)
	s := said{
		verdict: must(attest.Judgement{Verdict: gate.Verdict{Passed: passed}, Run: attest.Run{Finished: at}}.Statement())(t),
		scan: must(attest.Scanned{
			Run: attest.Run{Started: at, Finished: at}, Findings: scan.Findings{Database: &scan.Database{UpdatedAt: at}},
		}.Statement())(t),
	}
	for _, c := range channels {
		s.moves = append(s.moves, must(release.Record{Channel: c, Action: release.Promote, To: "DIGEST", At: at}.Statement())(t))
	}
	return s
}

func (s said) all() []sign.Statement { return append([]sign.Statement{s.verdict, s.scan}, s.moves...) }

// TestEngines has the engines decide about images that this project's signer
// has signed, in a registry process of the test's.
func TestEngines(t *testing.T) {
	rig := keyless.New(t)
	key, other := newKey(t), newKey(t)
	job, stranger := rig.GitHub("acme/digits", "ship.yml", "refs/heads/main"), rig.GitHub("evil/digits", "ship.yml", "refs/heads/main")
	byPattern := policy.Signer{
		IdentityPattern: `https://github\.com/acme/digits/\.github/workflows/ship\.yml@.+`, Issuer: job.Issuer,
		Logged: true, Stamped: true, Root: rig.TrustedRoot(),
	}
	exactly := byPattern
	exactly.IdentityPattern, exactly.Identity = "", job.Subject
	for _, tc := range []struct {
		name         string
		engine       engine
		signer       policy.Signer
		by, stranger *sigstore.Signer
		format       policy.Format
		brief        bool // only whose signature counts; the rest is as in the next row
	}{
		{"policy-controller/key", controller(), policy.Signer{KeyPEM: key.public}, key.signer(t, sigstore.Both), other.signer(t, sigstore.Both), policy.Both, false},
		{"policy-controller/identity", controller(), exactly, jobSigner(t, rig, job), jobSigner(t, rig, stranger), policy.Bundle, true},
		{"policy-controller/pattern", controller(), byPattern, jobSigner(t, rig, job), jobSigner(t, rig, stranger), policy.Bundle, false},
		{"kyverno/bundle", kyverno(), policy.Signer{KeyPEM: key.public}, key.signer(t, sigstore.Bundle), other.signer(t, sigstore.Bundle), policy.Bundle, false},
		{"kyverno-cel/bundle", kyvernoCEL(), policy.Signer{KeyPEM: key.public}, key.signer(t, sigstore.Bundle), other.signer(t, sigstore.Bundle), policy.Bundle, false},
		{"kyverno/tags", kyverno(), policy.Signer{KeyPEM: key.public}, key.signer(t, sigstore.Legacy), other.signer(t, sigstore.Legacy), policy.Legacy, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			program := tc.engine.need(t)
			isCEL := strings.HasPrefix(tc.name, "kyverno-cel")
			isKyverno := tc.engine.name == "kyverno" && !isCEL
			server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
			t.Cleanup(server.Close)
			host := strings.TrimPrefix(server.URL, "http://")
			d := policy.Demand{
				Repository: host + "/acme/digits", Signer: tc.signer, Format: tc.format, Require: []string{attest.Verdict},
				Channel: "production", ScanMaxAge: 24 * time.Hour, Alone: true,
			}
			good := saying(t, true, time.Hour, "production")
			refused, old := saying(t, false, time.Hour, "production"), saying(t, true, 25*time.Hour, "production")
			for label, c := range map[string]struct {
				image image
				want  bool
			}{
				"all":                   {image{statements: good.all(), by: tc.by}, true},
				"nothing":               {image{}, false},
				"another signer":        {image{statements: good.all(), by: tc.stranger}, false},
				"statements only":       {image{statements: good.all(), by: tc.by, unsigned: true}, false},
				"signature only":        {image{by: tc.by}, false},
				"verdict refused":       {image{statements: refused.all(), by: tc.by}, false},
				"verdict missing":       {image{statements: good.all()[1:], by: tc.by}, false},
				"scan missing":          {image{statements: append([]sign.Statement{good.verdict}, good.moves...), by: tc.by}, false},
				"scan old":              {image{statements: old.all(), by: tc.by}, false},
				"promotion missing":     {image{statements: []sign.Statement{good.verdict, good.scan}, by: tc.by}, false},
				"promoted elsewhere":    {image{statements: saying(t, true, time.Hour, "staging").all(), by: tc.by}, false},
				"of another repository": {image{statements: good.all(), by: tc.by, elsewhere: true}, isKyverno},
				// Why Kyverno gets no policy where there are more channels.
				"promoted twice": {image{statements: saying(t, true, time.Hour, "staging", "production").all(), by: tc.by}, !isKyverno},
			} {
				if isCEL && label == "promoted twice" {
					continue // by the record that comes last, in no order to rely on
				}
				if tc.brief && label != "all" && label != "another signer" {
					continue
				}
				got, output := tc.engine.admits(t, program, d, c.image.push(t, host))
				if got != c.want {
					t.Errorf("%s: admitted %t, want %t: %s", label, got, c.want, output)
				}
				if !got {
					t.Logf("%s: %s", label, lastLine(output))
				}
			}
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, l := range lines {
		if strings.HasPrefix(l, `{"errors"`) || strings.Contains(l, "failed to verify") || strings.Contains(l, "verification failed") {
			return l[:min(len(l), 400)]
		}
	}
	return lines[len(lines)-1]
}

type keyPair struct {
	folder *os.Root
	public string
}

func newKey(t *testing.T) keyPair {
	t.Helper()
	private, public, err := sigstore.GenerateKey(sigstore.NewSecret("secret"))
	if err != nil {
		t.Fatal(err)
	}
	folder := must(os.OpenRoot(t.TempDir()))(t)
	t.Cleanup(func() { folder.Close() })
	if err := folder.WriteFile("cosign.key", []byte(private.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	return keyPair{folder, string(public)}
}

func (k keyPair) signer(t *testing.T, format sigstore.Format) *sigstore.Signer {
	t.Helper()
	return must(sigstore.NewSigner(t.Context(), sigstore.Options{
		Key: &sigstore.Key{Ref: "cosign.key", Folder: k.folder, Password: sigstore.NewSecret("secret")}, Format: format,
	}))(t)
}

func jobSigner(t *testing.T, rig *keyless.Rig, who keyless.Workload) *sigstore.Signer {
	t.Helper()
	return must(sigstore.NewSigner(t.Context(), sigstore.Options{
		Token: sigstore.Token{Value: sigstore.NewSecret(rig.Token(who)), From: "SIGSTORE_ID_TOKEN"},
		Services: sigstore.Services{
			Fulcio: rig.Fulcio.URL, Rekor: rig.Rekor.URL, RekorVersion: 2, Timestamps: rig.TSA.URL, Root: rig.TrustedRoot(),
		},
	}))(t)
}
