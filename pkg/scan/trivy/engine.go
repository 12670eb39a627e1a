package trivy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	tdb "github.com/aquasecurity/trivy-db/pkg/db"
	dbtypes "github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/fanal/applier"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	aimage "github.com/aquasecurity/trivy/pkg/fanal/artifact/image"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	trivyscan "github.com/aquasecurity/trivy/pkg/scan"
	"github.com/aquasecurity/trivy/pkg/scan/langpkg"
	"github.com/aquasecurity/trivy/pkg/scan/local"
	"github.com/aquasecurity/trivy/pkg/scan/ospkg"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/aquasecurity/trivy/pkg/vulnerability"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/memory"
)

// Version is the release of trivy that findings are identical to.
const Version = "0.74.0"

// File is a file that the user names. Root keeps it inside the project.
type File struct {
	Root *os.Root
	Name string // relative to Root; "" for none
}

// Options of an Engine. The zero value lists packages and looks nothing up.
type Options struct {
	// DatabaseDir holds trivy.db and metadata.json, which must not be written
	// while an engine uses them. Without it every scan is incomplete.
	DatabaseDir string
	// Database is what is known about it; the engine adds the coverage, and the
	// date if that is zero.
	Database scan.Database
	// Java brings trivy's Java database, at most once a scan and only if the image
	// has Java archives. Without one, or with an error, such an image is
	// incomplete.
	Java   func(context.Context) (Java, error)
	Memory *memory.Memory // keeps results by layer; nil keeps none
	// Secrets looks for secrets in layers, but those of the base, and in the
	// image's config.
	Secrets bool
	Ignore  File             // a .trivyignore or .trivyignore.yaml, read strictly
	VEX     []File           // OpenVEX or CSAF
	Now     func() time.Time // nil is time.Now
	// Parallel is how many files of a layer are analyzed at once; 0 is one for
	// each processor.
	Parallel int
}

// Engine is a scan.Scanner. It holds no resources, and may be used by several
// goroutines, of which one at a time scans.
type Engine struct{ options Options }

var _ scan.Scanner = (*Engine)(nil)

// New returns an engine. Nothing is opened before the first scan.
func New(o Options) *Engine {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Parallel = cmp.Or(max(o.Parallel, 0), runtime.GOMAXPROCS(0))
	return &Engine{options: o}
}

// session is one scan.
type session struct {
	Options
	target   scan.Target
	config   *v1.ConfigFile
	layers   map[v1.Hash]scan.Layer // by diffID
	results  *results
	rules    *rules
	jars     *jars
	sbom     []byte // what is looked up instead of the image's layers; nil for none
	findings scan.Findings
}

// Scan looks for known vulnerabilities and secrets. It reads every layer of
// target.Image whose result is not cached, and nothing of target.Files.
//
// It fails when the database, the ignore file or a VEX file cannot be used,
// when a layer cannot be fetched, and when ctx ends.
func (e *Engine) Scan(ctx context.Context, target scan.Target) (scan.Findings, error) {
	return scanWith(ctx, e.options, target, nil)
}

func scanWith(ctx context.Context, o Options, target scan.Target, sbom []byte) (findings scan.Findings, err error) {
	ctx = clock.With(ctx, o.Now())
	rules, err := readIgnore(ctx, o.Ignore)
	if err != nil {
		return scan.Findings{}, err
	}
	leave, err := enter(ctx)
	if err != nil {
		return scan.Findings{}, err
	}
	defer func() {
		if gone := leave(); gone != nil {
			err = errors.Join(err, fmt.Errorf("removing trivy's temporary folder: %w", gone))
		}
	}()
	s, err := newSession(o, target)
	if err != nil {
		return scan.Findings{}, err
	}
	s.sbom = sbom
	if err := s.run(ctx, rules); err != nil {
		return scan.Findings{}, err
	}
	return s.findings, nil
}

func newSession(o Options, target scan.Target) (*session, error) {
	config, err := target.Image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the image's config: %w", err)
	}
	s := &session{
		Options: o, target: target, config: config, layers: make(map[v1.Hash]scan.Layer),
		jars: &jars{bring: o.Java, parallel: o.Parallel},
	}
	s.results = newResults(o.Memory, s.jars.digest)
	if o.Secrets {
		if s.rules, err = newRules(); err != nil {
			return nil, err
		}
	}
	for _, l := range target.Layers {
		if _, ok := s.layers[l.DiffID]; !ok {
			s.layers[l.DiffID] = l
		}
	}
	return s, nil
}

func (s *session) run(ctx context.Context, rules *ignoreRules) (err error) {
	db, err := openDatabase(s.DatabaseDir)
	if err != nil {
		return err
	}
	defer func() { db.close(err) }()
	process.jars = s.jars
	register()
	defer func() { err = errors.Join(err, s.jars.close()) }()
	if s.sbom == nil {
		if err := s.inspect(ctx); err != nil {
			return err
		}
	}
	if note := s.jars.java.Note; note != "" {
		s.findings.Skipped = append(s.findings.Skipped, scan.Skip{Reason: note})
	}
	var report types.Report
	err = guarded("looking up packages", func() (err error) {
		report, err = s.lookUp(ctx, db != nil)
		return err
	})
	// Trivy reports success or the end of the context at random.
	if ended := context.Cause(ctx); ended != nil {
		return ended
	}
	if err != nil {
		return err
	}
	if err := s.judge(report, db); err != nil {
		return err
	}
	if err := s.suppress(ctx, &report, rules); err != nil {
		return err
	}
	s.collect(report, rules)
	if s.sbom == nil {
		if s.findings.Documents, err = s.documents(ctx, report); err != nil {
			return err
		}
	}
	s.note(process.log.take(), v1.Hash{})
	s.findings.Ran, s.findings.Engine = true, Version
	return context.Cause(ctx)
}

// artifact is the image, whose layers' results inspect has put into s.results,
// or the SBOM.
func (s *session) artifact() (artifact.Artifact, error) {
	s.results.layers = false
	if s.sbom != nil {
		return listed{session: s}, nil
	}
	id, err := s.target.Image.ConfigName()
	if err != nil {
		return nil, fmt.Errorf("reading the image's config: %w", err)
	}
	image := &view{Image: s.target.Image, name: s.target.Name, id: id.String(), config: s.config, layer: func(h v1.Hash) (v1.Layer, error) {
		return nil, fmt.Errorf("reading layer %s: it was read before", h)
	}}
	return aimage.NewArtifact(image, s.results, s.option())
}

// lookUp looks up the packages of the image, or those of the SBOM.
func (s *session) lookUp(ctx context.Context, known bool) (types.Report, error) {
	artifact, err := s.artifact()
	if err != nil {
		return types.Report{}, fmt.Errorf("preparing the scan: %w", err)
	}
	scanners := types.Scanners{types.SBOMScanner}
	if known {
		scanners = append(scanners, types.VulnerabilityScanner)
	}
	if s.Secrets {
		scanners = append(scanners, types.SecretScanner)
	}
	service := local.NewService(applier.NewApplier(s.results), ospkg.NewScanner(), langpkg.NewScanner(), vulnerability.NewClient(tdb.Config{}))
	report, err := trivyscan.NewService(service, artifact).ScanArtifact(ctx, types.ScanOptions{
		PkgTypes:            types.PkgTypes,             // none would scan nothing
		PkgRelationships:    ftypes.Relationships,       // none would drop every package
		VulnSeveritySources: []dbtypes.SourceID{"auto"}, // none would make every severity unknown
		Scanners:            scanners,
	})
	if err != nil {
		return types.Report{}, fmt.Errorf("scanning: %w", err)
	}
	return report, nil
}
