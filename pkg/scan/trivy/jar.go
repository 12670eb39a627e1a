package trivy

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
)

// maxJars bounds the Java archives of a layer that are named.
const maxJars = 50

// jars notes the Java archives of a layer. Without its Java database trivy
// refuses to scan an image at all that holds one, so its own analyzer is off.
type jars struct{ paths []string }

func (*jars) Type() analyzer.Type { return "ai-ship-jar" }
func (*jars) Version() int        { return 1 }

// Required never asks for the content: the name is all that counts. Trivy
// calls it from the one goroutine that walks a layer.
func (j *jars) Required(name string, _ fs.FileInfo) bool {
	if slices.Contains([]string{".jar", ".war", ".ear", ".par"}, strings.ToLower(path.Ext(name))) && len(j.paths) < maxJars {
		j.paths = append(j.paths, name)
	}
	return false
}

func (*jars) Analyze(context.Context, analyzer.AnalysisInput) (*analyzer.AnalysisResult, error) {
	return nil, errors.New("reading a Java archive: not offered")
}

// take returns the names since the last call.
func (j *jars) take() []string {
	paths := j.paths
	j.paths = nil
	return paths
}
