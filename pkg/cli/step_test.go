package cli_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"github.com/org/ai-ship/pkg/internal/runner"
	"github.com/org/ai-ship/pkg/scan/vulndb"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// step runs ai-ship in a folder as a step of a workflow that a push to develop
// started.
func (f folder) step(extra map[string]string, event string, args ...string) runner.Result {
	f.t.Helper()
	env := onDevelop()
	maps.Copy(env, extra)
	r, err := runner.Run(f.t.Context(), append([]string{"ai-ship"}, args...), runner.Step{
		Workspace: f.dir, Temp: f.t.TempDir(), Env: env, Event: event,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return r
}

// onDevelop is the environment of a push to develop.
func onDevelop() map[string]string {
	return map[string]string{
		"GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/develop", "GITHUB_REF_NAME": "develop", "GITHUB_REF_TYPE": "branch",
		"GITHUB_SHA": commit, "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/digits", "GITHUB_RUN_ID": "42",
		"COSIGN_PASSWORD": "secret", "TMPDIR": os.TempDir(), "AI_SHIP_REGISTRY_USERNAME": "acme", "AI_SHIP_REGISTRY_PASSWORD": "p@ssword",
	}
}

// declared are the outputs that docs/github.md describes.
func declared(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "github.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(data), "| output |")
	var names []string
	for _, line := range strings.Split(table, "\n")[2:] {
		cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !ok {
			break
		}
		for _, name := range strings.Split(cell, ", ") {
			names = append(names, strings.Trim(name, "`"))
		}
	}
	return names
}

func TestStepShips(t *testing.T) {
	f, r := newFolder(t), newFrontier(t)
	done := f.step(nil, "", "run", "--registry", r.host)
	if done.Failed {
		t.Fatalf("exit %d\n%s", done.Exit, strings.Join(done.Log, "\n"))
	}
	if got := slices.Sorted(maps.Keys(done.Outputs)); !slices.Equal(got, slices.Sorted(slices.Values(declared(t)))) {
		t.Errorf("outputs are %q, docs/github.md has %q", got, declared(t))
	}
	digest, repo := r.digest("staging"), r.host+"/acme/digits"
	for name, want := range map[string]string{
		"digest": digest, "image": repo + "@" + digest, "version": "1.0.0", "channel": "staging", "passed": "true", "exit": "0",
		"report": "ai-ship-out/report.json", "summary": "ai-ship-out/summary.md", "gates": "ai-ship-out/gates.xml", "sarif": "ai-ship-out/findings.sarif",
	} {
		if done.Outputs[name] != want {
			t.Errorf("output %s is %q, want %q", name, done.Outputs[name], want)
		}
	}
	tags := strings.Split(done.Outputs["tags"], "\n")
	if !slices.Contains(tags, repo+":1.0.0") || !slices.Contains(tags, repo+":staging") {
		t.Errorf("tags are %q", tags)
	}
	var all struct {
		Tags        []string
		Labels      map[string]string
		Annotations []string
	}
	if err := json.Unmarshal([]byte(done.Outputs["json"]), &all); err != nil || !slices.Equal(all.Tags, tags) || all.Labels["org.opencontainers.image.version"] != "1.0.0" {
		t.Errorf("json is %s, %v", done.Outputs["json"], err)
	}
	if !strings.Contains("\n"+done.Outputs["labels"], "\norg.opencontainers.image.version=1.0.0") || !slices.Contains(all.Annotations, "manifest:org.opencontainers.image.version=1.0.0") {
		t.Errorf("labels are %q, annotations %q", done.Outputs["labels"], all.Annotations)
	}
	if !strings.HasPrefix(done.Outputs["imageid"], "sha256:") || done.Outputs["imageid"] == digest || !strings.Contains(done.Outputs["metadata"], `"containerimage.digest":"`+digest) {
		t.Errorf("imageid is %q, metadata %q", done.Outputs["imageid"], done.Outputs["metadata"])
	}
	if diff := cmp.Diff([]string{"build", "scan", "gate", "publish", "sign", "tag"}, done.Groups); diff != "" || done.Open != 0 {
		t.Errorf("groups, %d of them open: %s", done.Open, diff)
	}
	if !strings.Contains(done.Summary, "PASSED") || !slices.Equal(done.Artifacts, []string{"oci://" + done.Outputs["image"]}) {
		t.Errorf("summary %q, artifacts %q", done.Summary, done.Artifacts)
	}
	for _, masked := range []string{"secret", "p@ssword", "p%40ssword", "cEBzc3dvcmQ"} {
		if !slices.Contains(done.Masks, masked) {
			t.Errorf("masks are %q, want %q too", done.Masks, masked)
		}
	}
	// What was shipped is promoted and verified, each in a step of its own.
	promoted := f.step(nil, "", "promote", "--registry", r.host, "--to", "production")
	if promoted.Outputs["digest"] != digest || promoted.Outputs["channel"] != "production" || promoted.Outputs["passed"] != "true" || !strings.Contains(promoted.Summary, "production") {
		t.Errorf("promote said %q, summary %q\n%s", promoted.Outputs, promoted.Summary, strings.Join(promoted.Log, "\n"))
	}
	verified := f.step(nil, "", "verify", "--registry", r.host, "production")
	if verified.Outputs["digest"] != digest || verified.Outputs["passed"] != "true" || verified.Summary == "" {
		t.Errorf("verify said %q\n%s", verified.Outputs, strings.Join(verified.Log, "\n"))
	}
	back := f.step(nil, "", "rollback", "--registry", r.host, "production")
	if !back.Failed || back.Outputs["passed"] != "false" || back.Outputs["exit"] != "3" || len(back.Annotations) != 1 {
		t.Errorf("rollback to nothing said %q, remarks %q", back.Outputs, back.Annotations)
	}
}

func TestStepIsRefused(t *testing.T) {
	f, r := newFolder(t), newFrontier(t)
	f.write("ai-ship.yaml", "image: ghcr.io/acme/digits\nbase: scratch\nversion: 1.0.0\napp: [src]\nreports: [r.json]\ngates: {metrics: [{name: accuracy, min: 0.95}, {name: f1, min: 0.9, level: warn}]}\n")
	f.write("r.json", `{"accuracy": 0.5, "f1": 0.1}`)
	done := f.step(nil, "", "run", "--registry", r.host, "--json")
	if done.Exit != 3 || done.Outputs["passed"] != "false" || done.Outputs["exit"] != "3" || done.Outputs["image"] != "" || r.digest("1.0.0") != "" {
		t.Errorf("exit %d, outputs %q", done.Exit, done.Outputs)
	}
	levels := map[string]string{}
	for _, a := range done.Annotations {
		levels[a.Properties["title"]] = a.Level
	}
	if diff := cmp.Diff(map[string]string{"gate accuracy": "error", "gate f1": "warning"}, levels); diff != "" || !strings.Contains(done.Summary, "REFUSED") {
		t.Errorf("remarks %s, summary %q", diff, done.Summary)
	}
}

func TestStepWithWrongConfig(t *testing.T) {
	f := newFolder(t)
	f.write("service/ai-ship.yaml", "image: ghcr.io/acme/digits\nbase: scratch\napp: [src]\nplatfroms: [linux/amd64]\ngates:\n  size: {max: 1 parsec}\n")
	done := f.step(nil, "", "run", "-c", "service/ai-ship.yaml")
	if done.Exit != 2 || done.Outputs["exit"] != "2" || done.Outputs["report"] != "" || !strings.Contains(done.Summary, "FAILED") {
		t.Errorf("exit %d, outputs %q, summary %q", done.Exit, done.Outputs, done.Summary)
	}
	var places []string
	for _, a := range done.Annotations {
		places = append(places, fmt.Sprintf("%s %s:%s:%s", a.Properties["title"], a.Properties["file"], a.Properties["line"], a.Properties["col"]))
	}
	if diff := cmp.Diff([]string{"platfroms service/ai-ship.yaml:4:1", "gates.size.max service/ai-ship.yaml:6:15"}, places); diff != "" {
		t.Error(diff)
	}
}

// TestDeniedPushNamesTheLine pushes to a registry that says it is ghcr.io's.
func TestDeniedPushNamesTheLine(t *testing.T) {
	f := newFolder(t)
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"errors":[{"code":"DENIED","message":"permission_denied: write_package on ghcr.io"}]}`, http.StatusForbidden)
	}))
	defer denied.Close()
	done := f.step(nil, "", "run", "--registry", strings.TrimPrefix(denied.URL, "http://"))
	if done.Exit != 4 || len(done.Annotations) != 1 || !strings.Contains(done.Annotations[0].Message, "add the line `packages: write`") {
		t.Errorf("exit %d, remarks %q\n%s", done.Exit, done.Annotations, strings.Join(done.Log, "\n"))
	}
	if _, err := os.Stat(filepath.Join(f.dir, done.Outputs["report"])); err != nil || done.Outputs["report"] == "" {
		t.Errorf("report %q: %v", done.Outputs["report"], err)
	}
}

// TestNothingInjects puts each payload into whatever strangers may choose.
func TestNothingInjects(t *testing.T) {
	if testing.Short() {
		t.Skip("runs ai-ship more than a hundred times")
	}
	for i, payload := range runner.Payloads() {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			f := strange(t, payload)
			text := strings.ReplaceAll(payload, "\x00", "")
			env := map[string]string{
				"GITHUB_REF": "refs/heads/" + text, "GITHUB_REF_NAME": text, "GITHUB_HEAD_REF": text, "GITHUB_ACTOR": text, "GITHUB_RUN_ID": "42",
			}
			held(t, payload, f.step(env, "", "run", "--dry-run", "--scan-db", "db.tar.gz"), "REFUSED")
			if i%2 == 0 {
				held(t, payload, f.step(env, "", "gate", "--json"), "")
			}
			env["GITHUB_REF"], env["GITHUB_REF_TYPE"] = "refs/tags/"+text, "tag"
			held(t, payload, f.step(env, "", "plan", "-c", "untold.yaml", "--registry", "127.0.0.1:1"), "")
			hostile := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Www-Authenticate", "Basic realm=\""+strings.Map(printable, payload)+"\"")
				w.WriteHeader(http.StatusForbidden)
				_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": payload, "message": payload}}})
			}))
			defer hostile.Close()
			held(t, payload, f.step(nil, "", "run", "--registry", strings.TrimPrefix(hostile.URL, "http://")), "")
		})
	}
}

// TestStrangersAreShown holds the project of TestNothingInjects to show what it
// is about: a name that nobody prints would inject nothing in any case.
func TestStrangersAreShown(t *testing.T) {
	f := strange(t, "some words")
	env := map[string]string{"GITHUB_REF": "refs/heads/some words", "GITHUB_REF_NAME": "some words"}
	r := f.step(env, "", "run", "--dry-run", "--scan-db", "db.tar.gz")
	shown := strings.Join(r.Log, "\n") + r.Summary
	for _, want := range []string{
		`branch "some words"`, `test.*some words`, `reports/some words\.xml`, `CVE-2018-18074.*some words`, `models/some words\.pkl`, `licen[cs]e.*some words`,
	} {
		if !regexp.MustCompile(want).MatchString(shown) {
			t.Errorf("nothing is %q in:\n%s", want, shown)
		}
	}
	if !strings.Contains(f.step(env, "", "run", "--dry-run", "--scan-db", "db.tar.gz").Outputs["labels"], "stranger=some words") {
		t.Error("the label is not in the outputs")
	}
}

func printable(r rune) rune {
	if r < ' ' || r == '"' {
		return -1
	}
	return r
}

// held looks for anything that a payload brought about.
func held(t *testing.T, payload string, r runner.Result, want string) {
	t.Helper()
	log := strings.Join(r.Log, "\n")
	ours := slices.DeleteFunc(slices.Clone(r.Masks), func(mask string) bool { return strings.Contains(mask, "pwned") })
	if injected := r.Injected(declared(t), ours); len(injected) > 0 {
		t.Errorf("payload %q: %q\n%s", payload, injected, log)
	}
	if r.Exit < 0 || r.Exit > 6 || !strings.Contains(log, want) {
		t.Errorf("payload %q: exit %d\n%s", payload, r.Exit, log)
	}
	if !strings.Contains(log+r.Summary, "pwned") {
		t.Errorf("payload %q is nowhere, so nothing was tried\n%s", payload, log)
	}
}

// strange is a project with a payload for every name in it.
func strange(t *testing.T, payload string) folder {
	t.Helper()
	f := folder{t: t, dir: t.TempDir()}
	quoted, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	file := strings.NewReplacer("/", "_", "\x00", "").Replace(payload)
	f.write("ai-ship.yaml", `image: ghcr.io/acme/digits
base: scratch
version: 1.0.0
app: [src, {from: site-packages, to: /usr/lib/python3/dist-packages}]
models: [models]
reports: [reports/*]
labels: {stranger: `+strings.ReplaceAll(string(quoted), `\u0000`, "")+`}
gates: {vulnerabilities: {fail-on: low}, licenses: {deny: [forbidden, unknown]}, metrics: [{name: accuracy, min: 1}]}
`)
	f.write("untold.yaml", "image: ghcr.io/acme/digits\nbase: scratch\napp: [src]\n") // its version is the tag
	f.write("src/"+file+".py", "print(0)\n")
	f.write("models/README.md", "---\nlicense: "+string(quoted)+"\n---\n")
	f.write("models/"+file+".pkl", "\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.")
	var name strings.Builder
	if err := xml.EscapeText(&name, []byte(payload)); err != nil {
		t.Fatal(err)
	}
	f.write("reports/"+file+".xml", `<testsuite name="`+name.String()+`"><testcase name="`+name.String()+`" classname="`+name.String()+
		`"><failure message="`+name.String()+`">`+name.String()+`</failure></testcase></testsuite>`)
	f.write("reports/metrics.json", `{`+string(quoted)+`: 1, "accuracy": 0.5}`)
	f.write("site-packages/requests-2.19.0.dist-info/RECORD", "")
	f.write("site-packages/requests-2.19.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.0\nLicense: "+strings.Map(printable, payload)+"\n")
	f.write("db.tar.gz", string(titled(t, payload)))
	repo, err := git.PlainInit(f.dir, false)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	who := &object.Signature{Name: payload, Email: "somebody@example.com", When: time.Unix(1, 0)}
	if _, err := tree.Commit(payload, &git.CommitOptions{Author: who, AllowEmptyCommits: true}); err != nil {
		t.Fatal(err)
	}
	return f
}

// titled is a database whose vulnerability has that title. The fixture's maker
// takes only decent ones, so it is put there afterwards.
func titled(t *testing.T, title string) []byte {
	t.Helper()
	archive, err := vulndb.Build(fstest.MapFS{"python.yaml": {Data: []byte(`ecosystem: pip
source: {id: ghsa, name: GitHub Security Advisory pip, url: "https://github.com/advisories"}
advisories:
  - {id: CVE-2018-18074, package: requests, vulnerable: ["< 2.20.0"], patched: ["2.20.0"], severity: high, title: decent, link: "https://github.com/advisories/GHSA-x84v-xcm2-53pg"}
`)}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	packed := tar.NewWriter(zipped)
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "trivy.db" {
			content = retitled(t, content, title)
		}
		header.Size = int64(len(content))
		if err := packed.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := packed.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(packed.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func retitled(t *testing.T, content []byte, title string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trivy.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		bucket, id := tx.Bucket([]byte("vulnerability")), []byte("CVE-2018-18074")
		var details map[string]any
		if err := json.Unmarshal(bucket.Get(id), &details); err != nil {
			return err
		}
		details["Title"] = title
		changed, err := json.Marshal(details)
		if err != nil {
			return err
		}
		return bucket.Put(id, changed)
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return content
}
