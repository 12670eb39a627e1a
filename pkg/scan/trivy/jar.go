package trivy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/aquasecurity/trivy/pkg/dependency/parser/java/jar"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/analyzer/language"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/parallel"
	xio "github.com/aquasecurity/trivy/pkg/x/io"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxJars bounds the Java archives of a layer that are named.
const maxJars = 50

// typeJars is the analyzer of Java archives in the place of trivy's own, which
// refuses to scan an image that holds one without its database, and takes a
// failed lookup for one that found nothing.
const typeJars analyzer.Type = "ai-ship-jar"

// register tells trivy of this package's analyzers: of Java archives, that of
// the scan whose turn it is. Trivy cannot forget one.
var register = sync.OnceFunc(func() { //nolint:gochecknoglobals // trivy's registry is the process's
	analyzer.RegisterPostAnalyzer(typeJars, func(analyzer.AnalyzerOptions) (analyzer.PostAnalyzer, error) {
		return process.jars, nil
	})
	analyzer.RegisterAnalyzer(rpms{})
	for _, p := range programs() {
		analyzer.DeregisterAnalyzer(p.kind)
		analyzer.RegisterAnalyzer(p)
	}
})

// jars names the Java archives of one scan's layers, by what they say of
// themselves and by the database, which it brings when it meets the first.
type jars struct {
	bring    func(context.Context) (Java, error) // nil: there is none
	parallel int
	paths    []string // archives of the layer, at most maxJars

	brought bool
	java    Java
	index   index
}

func (*jars) Type() analyzer.Type { return typeJars }
func (*jars) Version() int        { return 2 }

func (*jars) Required(name string, _ fs.FileInfo) bool {
	return slices.Contains([]string{".jar", ".war", ".ear", ".par"}, strings.ToLower(path.Ext(name)))
}

// PostAnalyze gets the layer's archives, without those of the distribution's
// packages.
func (j *jars) PostAnalyze(ctx context.Context, input analyzer.PostAnalysisInput) (*analyzer.AnalysisResult, error) {
	if err := j.list(input.FS); err != nil || len(j.paths) == 0 {
		return nil, err
	}
	j.open(ctx)
	parse := func(name string, info fs.FileInfo, r xio.ReadSeekerAt) (*ftypes.Application, error) {
		p := jar.NewParser(&j.index, jar.WithSize(info.Size()), jar.WithFilePath(name), jar.WithChecksum(input.Options.FileChecksum),
			jar.WithLicenseClassifierConfidenceLevel(licenseConfidence))
		return language.ParsePackage(ctx, ftypes.Jar, name, r, p, false)
	}
	result := &analyzer.AnalysisResult{}
	err := parallel.WalkDir(ctx, input.FS, ".", j.parallel, parse, func(app *ftypes.Application) error {
		if app != nil {
			result.Applications = append(result.Applications, *app)
		}
		return nil
	})
	return result, err
}

func (j *jars) list(from fs.FS) error {
	return fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || len(j.paths) >= maxJars {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Size() > 0 { // an empty one names nothing, and is not parsed
			j.paths = append(j.paths, name)
		}
		return err
	})
}

// open brings the database, once a scan.
func (j *jars) open(ctx context.Context) {
	if j.brought {
		return
	}
	j.brought = true
	if j.bring == nil {
		j.index.fail(errors.New("there is none"))
		return
	}
	java, err := j.bring(ctx)
	if err != nil {
		j.index.fail(err)
		return
	}
	j.java = java
	j.index.open(java.Dir)
}

// digest is that of the database that archives are looked up in; "" of none.
func (j *jars) digest(ctx context.Context) string {
	j.open(ctx)
	if j.index.failure() != nil {
		return ""
	}
	return j.java.Digest
}

// take returns the names since the last call.
func (j *jars) take() []string {
	paths := j.paths
	j.paths = nil
	return paths
}

func (j *jars) close() error { return j.index.close() }

// noteJars says that a layer's archives were not looked up.
func (s *session) noteJars(paths []string, about v1.Hash) {
	err := s.jars.index.failure()
	if len(paths) == 0 || err == nil {
		return
	}
	missing := incompletef("jar-without-database",
		"the layer holds %d Java archives or more, and no Java database names those that do not say who they are: %v", len(paths), err)
	missing.Layer, missing.Path = about, paths[0]
	s.findings.Incomplete = append(s.findings.Incomplete, missing)
}
