package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/internal/notary"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
)

// aged is an index of two images, with what is attested on each.
type aged struct {
	t      *testing.T
	notary *notary.Notary
	index  name.Digest
	images []pipeline.PushedImage
	rescan pipeline.Rescan
	now    time.Time
	bills  []string       // that were scanned
	found  []scan.Finding // in each
	gaps   []scan.Incomplete
}

func newAged(t *testing.T) *aged {
	t.Helper()
	ref := func(hex string) name.Digest {
		d, err := name.NewDigest("example.com/acme/digits@sha256:" + strings.Repeat(hex, 64))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	a := &aged{t: t, notary: &notary.Notary{}, index: ref("0"), now: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)}
	for i, arch := range []string{"amd64", "arm64"} {
		a.images = append(a.images, pipeline.PushedImage{Digest: ref(fmt.Sprint(i + 1)), Platform: v1.Platform{OS: "linux", Architecture: arch}})
	}
	a.rescan = pipeline.Rescan{
		MaxAge: 24 * time.Hour, Policy: gate.Scan{Vulnerabilities: &gate.Vulnerabilities{FailOn: scan.High}},
		Verifier: a.notary, Signer: a.notary, Now: func() time.Time { return a.now },
		Images: func(context.Context, name.Digest) ([]pipeline.PushedImage, error) { return a.images, nil },
		Packages: func(_ context.Context, _ scan.Target, bill []byte) (scan.Findings, error) {
			a.bills = append(a.bills, string(bill))
			return scan.Findings{Ran: true, Database: &scan.Database{Ref: "db", UpdatedAt: a.now}, Vulnerabilities: slices.Clone(a.found), Incomplete: a.gaps}, nil
		},
	}
	a.sign(a.index)
	return a
}

// sign signs a digest with statements.
func (a *aged) sign(digest name.Digest, statements ...sign.Statement) {
	a.t.Helper()
	if _, err := a.notary.Sign(a.t.Context(), digest, statements); err != nil {
		a.t.Fatal(err)
	}
}

// scanned is a statement of a scan that ended so long ago.
func (a *aged) scanned(ago time.Duration) sign.Statement {
	a.t.Helper()
	at := a.now.Add(-ago)
	s, err := attest.Scanned{Run: attest.Run{Started: at, Finished: at}, Findings: scan.Findings{Database: &scan.Database{}}}.Statement()
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

func bill(of string, made string) sign.Statement {
	return sign.Statement{PredicateType: attest.SBOM, Predicate: []byte(`{"serialNumber":"` + of + `","metadata":{"timestamp":"` + made + `"}}`)}
}

func (a *aged) check() error {
	a.t.Helper()
	evidence, err := a.notary.Verify(a.t.Context(), a.index)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.rescan.Check(a.t.Context(), evidence)
}

// scans counts the attested scans of a digest.
func (a *aged) scans(digest name.Digest) (n int) {
	a.t.Helper()
	e, err := a.notary.Verify(a.t.Context(), digest)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, s := range e.Attestations {
		if s.PredicateType == attest.Vulnerabilities {
			n++
		}
	}
	return n
}

func TestRescan(t *testing.T) {
	a := newAged(t)
	one, two := a.images[0].Digest, a.images[1].Digest
	a.sign(one, a.scanned(time.Hour), bill("one", "2026-11-29T00:00:00Z"))
	a.sign(two, a.scanned(72*time.Hour), a.scanned(48*time.Hour), bill("new", "2026-11-28T00:00:00Z"), bill("old", "2026-11-27T00:00:00+01:00"))

	// Only what is too old is scanned, from its newest SBOM.
	a.found = []scan.Finding{old}
	err := a.check()
	if !errors.Is(err, pipeline.ErrRefused) || len(a.bills) != 1 || !strings.Contains(a.bills[0], "new") {
		t.Fatalf("%v, scanned %q", err, a.bills)
	}
	for _, part := range []string{"the image for linux/arm64", "48h0m0s old", "CVE-2026-0001 (critical) in pillow 9.0.0", "no fix yet"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v, want %q", err, part)
		}
	}
	if a.scans(two) != 2 {
		t.Error("a scan that refused is attested, and would pass as young")
	}
	a.gaps, a.found = []scan.Incomplete{{ID: "unread-component", Detail: "half of it"}}, nil
	if err := a.check(); !errors.Is(err, pipeline.ErrRefused) || !strings.Contains(err.Error(), "unread-component") {
		t.Errorf("an incomplete scan: %v", err)
	}
	a.gaps = nil
	if err := a.check(); err != nil {
		t.Fatal(err)
	}
	if got := []int{a.scans(one), a.scans(two), a.scans(a.index)}; !slices.Equal(got, []int{1, 3, 1}) {
		t.Errorf("attested %d scans, want 1, 3 and 1 on the index", got)
	}
	a.bills = nil
	if err := a.check(); err != nil || len(a.bills) > 0 {
		t.Errorf("just scanned: %v, scanned again %q", err, a.bills)
	}
	a.now = a.now.Add(24 * time.Hour)
	if err := a.check(); err != nil || len(a.bills) != 2 {
		t.Errorf("a day later: %v, scanned %q", err, a.bills)
	}
}

func TestRescanFailsClosed(t *testing.T) {
	young := func(a *aged) []sign.Statement { return []sign.Statement{a.scanned(time.Hour)} }
	for name, test := range map[string]struct {
		statements func(*aged) []sign.Statement
		change     func(*aged)
		is         error
		want       string
	}{
		"no SBOM":              {func(a *aged) []sign.Statement { return []sign.Statement{a.scanned(25 * time.Hour)} }, nil, sign.ErrUnproven, "25h0m0s old, and it has no statement https://cyclonedx.org/bom by the notary"},
		"never scanned":        {nil, nil, sign.ErrUnproven, "unknown"},
		"a scan of the future": {func(a *aged) []sign.Statement { return []sign.Statement{a.scanned(-time.Hour)} }, nil, sign.ErrUnproven, "unknown"},
		"a scan that is broken": {func(*aged) []sign.Statement {
			return []sign.Statement{{PredicateType: attest.Vulnerabilities, Predicate: []byte("{}")}}
		}, nil, sign.ErrUnproven, "unknown"},
		"an SBOM without time": {func(*aged) []sign.Statement { return []sign.Statement{bill("x", "0001-01-01T00:00:00Z")} }, nil, nil, "metadata.timestamp"},
		"an SBOM that is none": {func(*aged) []sign.Statement {
			return []sign.Statement{{PredicateType: attest.SBOM, Predicate: []byte("[]")}}
		}, nil, nil, "reading the SBOM"},
		"no image":          {young, func(a *aged) { a.images = nil }, nil, "found none"},
		"an unsigned image": {young, func(a *aged) { a.notary.Forget(a.images[0].Digest.DigestStr()) }, sign.ErrUnproven, "no signature"},
		"a broken signer": {func(*aged) []sign.Statement { return []sign.Statement{bill("x", "2026-01-01T00:00:00Z")} },
			func(a *aged) { a.notary.Fail(errors.New("the log is down")) }, nil, "attesting the new scan"},
	} {
		a := newAged(t)
		for _, image := range a.images {
			var statements []sign.Statement
			if test.statements != nil {
				statements = test.statements(a)
			}
			a.sign(image.Digest, statements...)
		}
		if test.change != nil {
			test.change(a)
		}
		err := a.check()
		if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// Where only new vulnerabilities count, those of the image that is there pass.
func TestRescanOnlyNew(t *testing.T) {
	a := newAged(t)
	for _, image := range a.images {
		a.sign(image.Digest, bill("x", "2026-01-01T00:00:00Z"))
	}
	a.found = []scan.Finding{old}
	a.rescan.Policy.Vulnerabilities.OnlyNew = true
	if err := a.check(); !errors.Is(err, pipeline.ErrRefused) {
		t.Errorf("without an image to compare with: %v", err)
	}
	a.rescan.Current = &plan.Current{Channel: "production", Image: a.index}
	a.rescan.Pushed = func(context.Context, name.Digest, v1.Platform) (scan.Findings, error) {
		return scan.Findings{Ran: true, Vulnerabilities: []scan.Finding{old}}, nil
	}
	if err := a.check(); err != nil {
		t.Errorf("production has it already: %v", err)
	}
	a.found = append(a.found, scan.Finding{ID: "CVE-2026-0002", Severity: scan.High, Package: "numpy", Version: "2.0.0", Fixed: "2.0.1"})
	a.now = a.now.Add(48 * time.Hour)
	if err := a.check(); !errors.Is(err, pipeline.ErrRefused) || strings.Contains(err.Error(), old.ID) || !strings.Contains(err.Error(), "numpy 2.0.0, fixed in 2.0.1") {
		t.Errorf("a new one: %v", err)
	}
}
