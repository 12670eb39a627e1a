//go:build linux

package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/org/ai-ship/pkg/scan"
)

const trivyModule = "github.com/aquasecurity/trivy"

// trivyRefused is the exit code that trivy is asked for when it finds something.
const trivyRefused = 7

// twins is one image before both: ai-ship, which builds and scans it, and
// trivy's own command line, which reads it from where ai-ship put it.
type twins struct {
	project
	config  string            // ai-ship.yaml without gates
	trivy   string            // program
	cache   string            // trivy's folder, with the database that ai-ship gets too
	input   string            // an OCI layout, or a file as docker save writes it
	diffIDs map[string]string // by the layers' digests
	types   []string          // the layers' media types
}

// newTwins builds the project's image into output, oci or tar. database is the
// archive that both look packages up in.
func newTwins(t *testing.T, p project, config, output, database string) twins {
	t.Helper()
	w := twins{project: p, config: config, trivy: needPeer(t, "trivy", "trivy"), cache: t.TempDir(), diffIDs: make(map[string]string)}
	sameEngine(t, w.trivy, trivyModule)
	if err := os.Mkdir(filepath.Join(w.cache, "db"), 0o755); err != nil {
		t.Fatal(err)
	}
	must(t, "tar", "-C", filepath.Join(w.cache, "db"), "-xzf", database)
	w.env = append(w.env, "AI_SHIP_SCAN_DB="+database)

	w.input = filepath.Join(t.TempDir(), "image")
	w.write(t, "ai-ship.yaml", config)
	built := w.ship(t, "--output", output+":"+w.input).report
	diffIDs := written(t, output, w.input)
	if len(diffIDs) != len(built.Layers) {
		t.Fatalf("the image has %d layers, the report %d", len(diffIDs), len(built.Layers))
	}
	for i, l := range built.Layers {
		w.diffIDs[l.Digest] = diffIDs[i].String()
		w.types = append(w.types, l.MediaType)
	}
	return w
}

// written are the diffIDs of the one image in a layout or a tarball.
func written(t *testing.T, output, path string) []v1.Hash {
	t.Helper()
	img, err := func() (v1.Image, error) {
		if output == "tar" {
			return tarball.ImageFromPath(path, nil)
		}
		index, err := layout.ImageIndexFromPath(path)
		if err != nil {
			return nil, err
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			return nil, err
		}
		if len(manifest.Manifests) != 1 {
			return nil, fmt.Errorf("the layout has %d manifests, want 1", len(manifest.Manifests))
		}
		return index.Image(manifest.Manifests[0].Digest)
	}()
	if err != nil {
		t.Fatal(err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.RootFS.DiffIDs
}

// vulnerable is a finding as both say it.
type vulnerable struct {
	ID, Severity, Package, Version, Fixed, Status string
	PURL, Path, Layer, Link, Source               string
	By, Reason                                    string // of one that was taken out: the file and its words
}

func sorted(list []vulnerable) []vulnerable {
	slices.SortFunc(list, func(a, b vulnerable) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

// ours are ai-ship's findings under a vulnerability gate, and how the gate went.
func (w twins) ours(t *testing.T, gate string) (findings []scan.Finding, counted int, passed bool) {
	t.Helper()
	w.write(t, "ai-ship.yaml", w.config+"gates: {vulnerabilities: {"+gate+"}}\n")
	r := w.run(t, "--dry-run")
	if r.report.Error != "" && r.code != 3 || !r.report.Findings.Ran {
		t.Fatalf("exit %d: %s\n%s", r.code, r.report.Error, r.stderr)
	}
	for _, l := range r.report.Layers {
		if w.diffIDs[l.Digest] == "" {
			t.Errorf("the scanned image has a layer %s, which the image that trivy reads has not", l.Digest)
		}
	}
	for _, g := range r.report.Gates {
		if g.Name == "vulnerabilities" {
			return r.report.Findings.Vulnerabilities, int(g.Value), g.Passed
		}
	}
	t.Fatalf("no gate on vulnerabilities in %s", r.stdout)
	return nil, 0, false
}

// common maps one of ai-ship's findings.
func (w twins) common(f scan.Finding) vulnerable {
	v := vulnerable{
		ID: f.ID, Severity: f.Severity.String(), Package: f.Package, Version: f.Version, Fixed: f.Fixed, Status: f.Status,
		PURL: f.PURL, Path: f.Path, Layer: w.diffIDs[f.Layer.String()], Link: f.Link, Source: f.Source,
	}
	if f.Ignored != nil {
		v.By, v.Reason = f.Ignored.By, f.Ignored.Reason
	}
	return v
}

// detected is a vulnerability in trivy's JSON.
type detected struct {
	VulnerabilityID, PkgName, PkgPath, InstalledVersion, FixedVersion, Status, Severity, PrimaryURL string

	PkgIdentifier struct{ PURL string }
	Layer         struct{ DiffID string }
	DataSource    struct{ ID, Name string }
}

// common maps one of trivy's findings in target, which is a file where the
// package has no path: a program with modules in it.
func (d detected) common(class, target string) vulnerable {
	path := d.PkgPath
	if path == "" && class == "lang-pkgs" {
		path = target
	}
	return vulnerable{
		ID: d.VulnerabilityID, Severity: strings.ToLower(d.Severity), Package: d.PkgName, Version: d.InstalledVersion,
		Fixed: d.FixedVersion, Status: d.Status, PURL: d.PkgIdentifier.PURL, Path: path, Layer: d.Layer.DiffID,
		Link: d.PrimaryURL, Source: cmp.Or(d.DataSource.Name, d.DataSource.ID),
	}
}

// image is what `trivy image` prints about the image, and whether it passes it.
func (w twins) image(t *testing.T, args ...string) (out []byte, passed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), w.trivy, append([]string{
		"image", "--input", w.input, "--cache-dir", w.cache, "--skip-db-update", "--skip-java-db-update", "--offline-scan",
		"--skip-version-check", "--disable-telemetry", "--scanners", "vuln", "--exit-code", strconv.Itoa(trivyRefused),
	}, args...)...)
	cmd.Dir = w.dir // ignore files and VEX are named as the config names them
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.cache, "TMPDIR=" + t.TempDir()}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != trivyRefused) {
		t.Fatalf("trivy %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return out, err == nil
}

// theirs are the findings of trivy's command line, those taken out last, and
// whether it passes the image.
func (w twins) theirs(t *testing.T, args ...string) (findings []vulnerable, passed bool) {
	t.Helper()
	out, passed := w.image(t, append([]string{"--format", "json", "--show-suppressed"}, args...)...)
	var report struct {
		Results []struct {
			Class, Target   string
			Vulnerabilities []detected

			ExperimentalModifiedFindings []struct {
				Status, Statement, Source string
				Finding                   detected
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("trivy's report: %v\n%s", err, out)
	}
	for _, r := range report.Results {
		for _, d := range r.Vulnerabilities {
			findings = append(findings, d.common(r.Class, r.Target))
		}
		for _, m := range r.ExperimentalModifiedFindings {
			v := m.Finding.common(r.Class, r.Target)
			v.By, v.Reason = m.Source, cmp.Or(m.Statement, m.Status)
			findings = append(findings, v)
		}
	}
	return findings, passed
}

// compare holds what ai-ship finds under a gate, and keep lets through, against
// what trivy finds with args; and the gate's verdict against trivy's. It returns
// the findings that both have.
func (w twins) compare(t *testing.T, gate string, keep func(scan.Finding) bool, args ...string) []vulnerable {
	t.Helper()
	findings, counted, passed := w.ours(t, gate)
	var got []vulnerable
	for _, f := range findings {
		if keep(f) {
			got = append(got, w.common(f))
		}
	}
	want, accepted := w.theirs(t, args...)
	if diff := gocmp.Diff(sorted(want), sorted(got)); diff != "" {
		t.Errorf("findings with %q and %q (-trivy +ai-ship):\n%s", args, gate, diff)
	}
	live := 0
	for _, v := range want {
		if v.By == "" {
			live++
		}
	}
	// Trivy exits alike for every severity that it shows, unknown too.
	refusing := slices.DeleteFunc(slices.Clone(want), func(v vulnerable) bool { return v.By != "" || v.Severity == "unknown" })
	if counted != len(refusing) || passed != (len(refusing) == 0) || accepted != (live == 0) {
		t.Errorf("with %q the gate counts %d and passes: %t; trivy with %q finds %d, of which %d have a severity, and passes: %t",
			gate, counted, passed, args, live, len(refusing), accepted)
	}
	if !t.Failed() {
		figure(t, "%s: %s find the same %d vulnerabilities, %d of them taken out",
			t.Name(), strings.Join(append([]string{"ai-ship and trivy"}, args...), " "), len(want), len(want)-live)
	}
	return want
}

func everything(scan.Finding) bool { return true }

// compareSBOM holds the packages in ai-ship's SBOM against those in trivy's, and
// returns how many there are. The last run under a gate has written the former.
func (w twins) compareSBOM(t *testing.T) int {
	t.Helper()
	components := func(text []byte) (list []string) {
		var bom struct {
			Components []struct{ Type, Name, Version, PURL string }
		}
		if err := json.Unmarshal(text, &bom); err != nil {
			t.Fatal(err)
		}
		for _, c := range bom.Components {
			list = append(list, strings.Join([]string{c.Type, c.Name, c.Version, c.PURL}, " "))
		}
		slices.Sort(list)
		return list
	}
	ours, err := os.ReadFile(w.path("ai-ship-out/sbom.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := w.image(t, "--format", "cyclonedx")
	want := components(theirs)
	if diff := gocmp.Diff(want, components(ours)); diff != "" {
		t.Errorf("components (-trivy +ai-ship):\n%s", diff)
	}
	if !t.Failed() {
		figure(t, "%s: the SBOMs of both list the same %d components", t.Name(), len(want))
	}
	return len(want)
}
