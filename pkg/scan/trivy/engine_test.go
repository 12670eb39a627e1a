package trivy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

// TestMain gives trivy a temporary folder before it chooses one for good.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "ai-ship-trivy-")
	if err != nil {
		panic(err)
	}
	os.Setenv("TMPDIR", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestFindings(t *testing.T) {
	app := layer(t, dist("pillow", "9.0.0"), dist("requests", "2.19.0"), dist("numpy", "2.0.0"), environment())
	target := image(layer(t, debian()...), app).target(t)
	found := scanned(t, options(t), target)
	const pip = "Test Advisories"
	base, own := target.Layers[0].Digest, target.Layers[1].Digest
	want := []scan.Finding{
		{ID: "CVE-2026-0001", Severity: scan.Critical, Layer: own, Path: site + "pillow-9.0.0.dist-info/METADATA", Title: "pillow reads beyond a buffer",
			Link: "https://avd.aquasec.com/nvd/cve-2026-0001", Source: pip, Package: "pillow", Version: "9.0.0", Fixed: "9.0.1", PURL: "pkg:pypi/pillow@9.0.0", Status: "fixed"},
		{ID: "CVE-2026-0004", Severity: scan.High, Layer: base, Title: "openssl misreads", Link: "https://avd.aquasec.com/nvd/cve-2026-0004",
			Package: "openssl", Version: "3.0.11-1~deb12u2", Fixed: "3.0.15-1~deb12u1", PURL: "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=amd64&distro=debian-12.4", Status: "fixed"},
		{ID: "CVE-2026-0005", Severity: scan.Low, Layer: base, Title: "CVE-2026-0005",
			Package: "libc6", Version: "2.36-9+deb12u4", PURL: "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12.4", Status: "will_not_fix"},
		{ID: "CVE-2026-0002", Severity: scan.Unknown, Layer: own, Path: site + "requests-2.19.0.dist-info/METADATA", Title: "CVE-2026-0002",
			Source: pip, Package: "requests", Version: "2.19.0", Fixed: "2.20.0", PURL: "pkg:pypi/requests@2.19.0", Status: "fixed"},
	}
	if diff := cmp.Diff(want, found.Vulnerabilities); diff != "" {
		t.Errorf("vulnerabilities (-want +got):\n%s", diff)
	}
	wantSecrets := []scan.Finding{
		{ID: "aws-access-key-id", Severity: scan.Critical, Layer: own, Path: "app/.env", Title: "AWS Access Key ID", Source: "trivy", Line: 1},
		{ID: "aws-secret-access-key", Severity: scan.Critical, Layer: own, Path: "app/.env", Title: "AWS Secret Access Key", Source: "trivy", Line: 2},
	}
	if diff := cmp.Diff(wantSecrets, found.Secrets); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	wantDatabase := &scan.Database{UpdatedAt: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Coverage: []scan.Coverage{
		{Ecosystem: "debian 12", Packages: 2, Advisories: 2}, {Ecosystem: "pip", Packages: 3, Advisories: 3},
	}}
	if diff := cmp.Diff(wantDatabase, found.Database); diff != "" {
		t.Errorf("database (-want +got):\n%s", diff)
	}
	if len(found.Incomplete)+len(found.Skipped) > 0 {
		t.Errorf("incomplete %v, skipped %v, want none", found.Incomplete, found.Skipped)
	}
	if names := left(t, os.TempDir()); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
}

func TestSlogIsGivenBack(t *testing.T) {
	var out strings.Builder
	before := slog.Default()
	defer slog.SetDefault(before)
	mine := slog.New(slog.NewTextHandler(&out, nil))
	slog.SetDefault(mine)
	scanned(t, options(t), image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"))).target(t))
	if out.Len() > 0 {
		t.Errorf("the scan logged %s", out.String())
	}
	if slog.Default() != mine {
		t.Error("the default logger is another one after the scan")
	}
}

// endless is a layer that never ends, as a huge one does for trivy, which looks
// at its context between layers only.
func endless(t *testing.T, started chan<- struct{}) *fake {
	t.Helper()
	head := archive(t, file{"big", ""})[:512]
	l := layerOf(t, head)
	l.open = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(string(bigHeader(t))), &zeros{started})), nil
	}
	return l
}

type zeros struct{ started chan<- struct{} }

func (z *zeros) Read(p []byte) (int, error) {
	if z.started != nil {
		close(z.started)
		z.started = nil
	}
	clear(p)
	return len(p), nil
}

func TestContextEndsTheScan(t *testing.T) {
	started := make(chan struct{})
	target := image(layer(t, debian()...), endless(t, started)).target(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the user left")
	go func() {
		<-started
		cancel(reason)
	}()
	found, err := trivy.New(options(t)).Scan(ctx, target)
	if !errors.Is(err, reason) || found.Ran {
		t.Errorf("error is %v and ran %t, want %v and false", err, found.Ran, reason)
	}
	if names := left(t, os.TempDir()); len(names) > 0 {
		t.Errorf("left behind: %q", names)
	}
	// What waits for its turn ends too, and the turn is free afterwards.
	if _, err := trivy.New(options(t)).Scan(ctx, target); !errors.Is(err, reason) {
		t.Errorf("error is %v, want %v", err, reason)
	}
	scanned(t, options(t), image(layer(t, debian()...)).target(t))
}

// ending ends the scan when all layers are read. Trivy then gives its result, or
// not, at random.
type ending struct {
	v1.Image
	end func()
}

func (e ending) ConfigName() (v1.Hash, error) {
	e.end()
	return e.Image.ConfigName()
}

func TestContextEndsTheLookup(t *testing.T) {
	o, target := options(t), image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"))).target(t)
	whole := target.Image
	for range 10 {
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the user left")
		target.Image = ending{whole, func() { cancel(reason) }}
		found, err := trivy.New(o).Scan(ctx, target)
		if !errors.Is(err, reason) || found.Ran {
			t.Fatalf("error is %v and ran %t, want %v and false", err, found.Ran, reason)
		}
	}
}

func TestScansAtOnce(t *testing.T) {
	type outcome struct {
		found scan.Findings
		err   error
	}
	o := options(t)
	remember(t, &o)
	target := image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), environment())).target(t)
	outcomes := make(chan outcome)
	for range 4 {
		engine := trivy.New(o)
		go func() {
			found, err := engine.Scan(t.Context(), target)
			outcomes <- outcome{found, err}
		}()
	}
	for range 4 {
		got := <-outcomes
		if got.err != nil {
			t.Error(got.err)
		}
		if n := len(got.found.Vulnerabilities) + len(got.found.Secrets); n != 5 {
			t.Errorf("%d findings, want 5: %q %q", n, ids(got.found.Vulnerabilities), ids(got.found.Secrets))
		}
	}
}

// Trivy's analyzers and its database are the process's: what two scans at once
// would do to them only the race detector sees, that there never are two all do.
func TestScansTakeTurns(t *testing.T) {
	var scans atomic.Int64
	l := layer(t, dist("pillow", "9.0.0"))
	whole := l.open
	l.open = func() (io.ReadCloser, error) {
		if n := scans.Add(1); n > 1 {
			t.Errorf("%d scans read at once", n)
		}
		time.Sleep(20 * time.Millisecond) // for the others to come
		r, err := whole()
		return struct {
			io.Reader
			io.Closer
		}{r, closer(func() error { scans.Add(-1); return r.Close() })}, err
	}
	o, target := options(t), image(nil, l).target(t)
	errs := make(chan error)
	for range 4 {
		engine := trivy.New(o)
		go func() {
			_, err := engine.Scan(t.Context(), target)
			errs <- err
		}()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

type closer func() error

func (c closer) Close() error { return c() }

func TestWithoutDatabaseNothingIsLookedUp(t *testing.T) {
	o := options(t)
	o.DatabaseDir = ""
	found := scanned(t, o, image(layer(t, debian()...), layer(t, dist("pillow", "9.0.0"), environment())).target(t))
	if found.Database != nil || len(found.Vulnerabilities) > 0 || len(found.Secrets) != 2 {
		t.Errorf("found %v %q %q, want two secrets only", found.Database, ids(found.Vulnerabilities), ids(found.Secrets))
	}
	if got := incomplete(found); !slices.Equal(got, []string{"no-database"}) {
		t.Errorf("incomplete %q, want no-database", got)
	}
	contains(t, document(t, found, "sbom.cdx.json"), "pkg:pypi/pillow@9.0.0")
}
