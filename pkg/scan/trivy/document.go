package trivy

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/aquasecurity/trivy/pkg/report"
	"github.com/aquasecurity/trivy/pkg/sbom/cyclonedx"
	"github.com/aquasecurity/trivy/pkg/sbom/spdx"
	"github.com/aquasecurity/trivy/pkg/types"
	"github.com/google/uuid"
	sbom "github.com/spdx/tools-golang/spdx"

	"github.com/org/ai-ship/pkg/scan"
)

// documents writes the scan in the formats that others read. Two scans of one
// image at one time of Options.Now are equal byte for byte: the random
// identifiers that trivy gives are replaced by ones made from the content.
func (s *session) documents(ctx context.Context, r types.Report) ([]scan.Document, error) {
	writers := []struct {
		name  string
		write func(context.Context, types.Report) ([]byte, error)
	}{
		{"findings.sarif", s.sarif},
		{"gl-container-scanning.json", s.gitlab},
		{"sbom.cdx.json", s.cycloneDX},
		{"sbom.spdx.json", s.spdx},
	}
	var documents []scan.Document
	for _, w := range writers {
		err := guarded("writing "+w.name, func() error {
			data, err := w.write(ctx, r)
			documents = append(documents, scan.Document{Name: w.name, Data: data})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", w.name, err)
		}
	}
	return documents, nil
}

// sarif is trivy's own SARIF 2.1.0 with one run.
func (s *session) sarif(ctx context.Context, r types.Report) ([]byte, error) {
	var out bytes.Buffer
	err := (&report.SarifWriter{Output: &out, Version: Version}).Write(ctx, r)
	return out.Bytes(), err
}

// identifier is a UUID made from the image and from parts.
func (s *session) identifier(r types.Report, parts ...string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(strings.Join(append([]string{r.Metadata.ImageID}, parts...), "\x00")))
}

// cycloneDX is an SBOM with the vulnerabilities that count.
func (s *session) cycloneDX(ctx context.Context, r types.Report) ([]byte, error) {
	m := cyclonedx.NewMarshaler(Version)
	bom, err := m.MarshalReport(ctx, r)
	if err != nil {
		return nil, err
	}
	bom.SerialNumber = s.identifier(r, bom.Metadata.Timestamp).URN()
	s.rename(r, bom)
	var out bytes.Buffer
	e := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON)
	e.SetPretty(true).SetEscapeHTML(false)
	err = e.Encode(bom)
	return out.Bytes(), err
}

// rename replaces random references of components, and sorts anew by them.
func (s *session) rename(r types.Report, bom *cdx.BOM) {
	names := make(map[string]string)
	renamed := func(c *cdx.Component) {
		if _, err := uuid.Parse(c.BOMRef); err != nil {
			return // a package URL
		}
		parts := []string{string(c.Type), c.Group, c.Name, c.Version}
		if c.Properties != nil {
			for _, p := range *c.Properties {
				parts = append(parts, p.Name, p.Value)
			}
		}
		ref := s.identifier(r, parts...).String()
		names[c.BOMRef] = ref
		c.BOMRef = ref
	}
	name := func(ref string) string { return cmp.Or(names[ref], ref) }
	if bom.Metadata.Component != nil {
		renamed(bom.Metadata.Component)
	}
	for i := range *bom.Components {
		renamed(&(*bom.Components)[i])
	}
	slices.SortFunc(*bom.Components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	for i := range *bom.Dependencies {
		d := &(*bom.Dependencies)[i]
		d.Ref = name(d.Ref)
		for j := range *d.Dependencies {
			(*d.Dependencies)[j] = name((*d.Dependencies)[j])
		}
		slices.Sort(*d.Dependencies)
	}
	slices.SortFunc(*bom.Dependencies, func(a, b cdx.Dependency) int { return strings.Compare(a.Ref, b.Ref) })
	for _, v := range *bom.Vulnerabilities {
		for j := range *v.Affects {
			(*v.Affects)[j].Ref = name((*v.Affects)[j].Ref)
		}
		slices.SortFunc(*v.Affects, func(a, b cdx.Affects) int { return strings.Compare(a.Ref, b.Ref) })
	}
}

// spdx is an SBOM in SPDX 2.3.
func (s *session) spdx(ctx context.Context, r types.Report) ([]byte, error) {
	document, err := spdx.NewMarshaler(Version).MarshalReport(ctx, r)
	if err != nil {
		return nil, err
	}
	const random = len("00000000-0000-0000-0000-000000000000")
	if n := len(document.DocumentNamespace) - random; n >= 0 {
		document.DocumentNamespace = document.DocumentNamespace[:n] + s.identifier(r, document.CreationInfo.Created).String()
	}
	for _, p := range document.Packages { // an advisory without a link has none to refer to
		p.PackageExternalReferences = slices.DeleteFunc(p.PackageExternalReferences, func(r *sbom.PackageExternalReference) bool { return r.Locator == "" })
	}
	return json.MarshalIndent(document, "", "  ")
}
