package trivy

import (
	"bytes"
	"context"
	"fmt"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/sbom"

	"github.com/org/ai-ship/pkg/scan"
)

// maxListed bounds an SBOM that is scanned.
const maxListed = 64 << 20 // bytes

// ScanSBOM looks up the packages that the SBOM of an earlier Scan lists, a
// CycloneDX document in JSON, with the database, ignore file and VEX of now.
// target is the image that the SBOM is of: no layer of it is read, so nothing is
// said about secrets, and there are no documents.
//
// What the SBOM cannot say is not known: whether a distribution's extended
// support is enabled, Alpine's repositories, and what its own scan could not look
// at. A component that trivy does not
// understand is scan.Incomplete "unread-component", an SBOM by another tool
// "analysis-error". Errors are those of Scan, and an SBOM that cannot be read.
func (e *Engine) ScanSBOM(ctx context.Context, target scan.Target, document []byte) (scan.Findings, error) {
	if len(document) > maxListed {
		return scan.Findings{}, fmt.Errorf("reading the SBOM: found %d bytes, expected at most %d", len(document), maxListed)
	}
	o := e.options
	o.Secrets, o.Memory = false, nil
	return scanWith(ctx, o, target, document)
}

// listed is an SBOM as trivy takes an image: one layer's result, which names the
// layers that packages are from.
type listed struct{ *session }

// Inspect reads the SBOM.
func (l listed) Inspect(ctx context.Context) (artifact.Reference, error) {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(l.sbom), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return artifact.Reference{}, fmt.Errorf("reading the SBOM: %w", err)
	}
	if bom.BOMFormat != cdx.BOMFormat {
		return artifact.Reference{}, fmt.Errorf("reading the SBOM: found the format %q, expected %q", bom.BOMFormat, cdx.BOMFormat)
	}
	read, err := sbom.Decode(ctx, bytes.NewReader(l.sbom), sbom.FormatCycloneDXJSON)
	if err != nil {
		return artifact.Reference{}, fmt.Errorf("reading the SBOM: %w", err)
	}
	l.unread(bom, read.Packages, read.Applications)
	blob := ftypes.BlobInfo{SchemaVersion: ftypes.BlobJSONSchemaVersion, PackageInfos: read.Packages, Applications: read.Applications}
	if read.Metadata.OS != nil {
		blob.OS = *read.Metadata.OS
	}
	id, err := l.target.Image.ConfigName()
	if err != nil {
		return artifact.Reference{}, fmt.Errorf("reading the image's config: %w", err)
	}
	const key = "sbom"
	if err := l.results.PutBlob(ctx, key, blob); err != nil {
		return artifact.Reference{}, err
	}
	return artifact.Reference{
		Name: l.target.Name, Type: ftypes.TypeContainerImage, ID: key, BlobIDs: []string{key},
		ImageMetadata: artifact.ImageMetadata{ID: id.String(), RepoTags: []string{l.target.Name}, ConfigFile: *l.config},
	}, nil
}

// Clean leaves what was read where it is: in memory.
func (l listed) Clean(artifact.Reference) error { return nil }

// unread says which components trivy passed over: it logs nothing about one
// without a package URL, or of a type that it does not know.
func (l listed) unread(bom *cdx.BOM, packages []ftypes.PackageInfo, applications []ftypes.Application) {
	read := make(map[string]bool)
	for _, p := range packages {
		for _, pkg := range p.Packages {
			read[pkg.Identifier.BOMRef] = true
		}
	}
	for _, a := range applications {
		for _, pkg := range a.Packages {
			read[pkg.Identifier.BOMRef] = true
		}
	}
	if bom.Components == nil {
		return
	}
	for _, c := range *bom.Components {
		if c.Type == cdx.ComponentTypeLibrary && !read[c.BOMRef] {
			l.findings.Incomplete = append(l.findings.Incomplete,
				incompletef("unread-component", "the SBOM's component %s %s (%s) is no package that could be looked up", c.Name, c.Version, c.PackageURL))
		}
	}
}
