package bom

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/memory"
)

// Name is the document that models are added to.
const Name = "sbom.cdx.json"

// MaxHashed is up to what size a model file is read for its hash, where nobody
// knows it. A larger one would be read twice in a run, here and when it is sent;
// the digest of its layer, in the manifest, covers it, and what sending it taught
// is added by Describe.
const MaxHashed = 256 << 20 // bytes

// prefix of the properties that CycloneDX has no field for.
const prefix = "dev.ai-ship:"

// modelRef begins the references of our components; the file's path follows.
const modelRef = "model:"

// AddModels adds the inventory to the SBOM among the documents, and gives it
// the sizes and hashes of files; without an SBOM it does nothing. Files that the
// inventory does not name are not opened, nor those whose hash is remembered.
func AddModels(ctx context.Context, f *scan.Findings, target scan.Target, m *memory.Memory) error {
	i := slices.IndexFunc(f.Documents, func(d scan.Document) bool { return d.Name == Name })
	if i < 0 || len(f.Inventory) == 0 {
		return nil
	}
	byPath := make(map[string]scan.File, len(target.Files))
	for _, file := range target.Files {
		byPath[file.Path] = file
	}
	hashes := memory.Of[string](m, "hashes 1", target.Platform)
	for n := range f.Inventory {
		m := &f.Inventory[n]
		if file, ok := byPath[m.Path]; ok {
			if err := measure(ctx, m, file, hashes); err != nil {
				return fmt.Errorf("hashing %q: %w", m.Path, err)
			}
		}
	}
	if err := hashes.Save(); err != nil {
		return err
	}
	data, err := withModels(f.Documents[i].Data, f.Inventory)
	if err != nil {
		return fmt.Errorf("adding models to %s: %w", Name, err)
	}
	f.Documents[i].Data = data
	return nil
}

// measure adds what a model's file is.
func measure(ctx context.Context, m *scan.Model, file scan.File, hashes *memory.Files[string]) error {
	m.Size = file.Size
	if m.SHA256 = file.SHA256; m.SHA256 != "" || file.Size > MaxHashed {
		return nil
	}
	if sum, ok := hashes.Get(file); ok {
		m.SHA256 = sum
		return nil
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, &living{ctx: ctx, Reader: io.NewSectionReader(content, 0, file.Size)})
	if err == nil && n != file.Size {
		err = fmt.Errorf("found %d bytes, expected %d", n, file.Size)
	}
	if err != nil {
		return err
	}
	m.SHA256 = hex.EncodeToString(hash.Sum(nil))
	hashes.Put(file, m.SHA256)
	return nil
}

// living is a reader that ends when ctx does.
type living struct {
	io.Reader
	ctx context.Context //nolint:containedctx // io.Reader has no place for it
}

func (l *living) Read(p []byte) (int, error) {
	if err := context.Cause(l.ctx); err != nil {
		return 0, err
	}
	return l.Reader.Read(p)
}

func withModels(data []byte, models []scan.Model) ([]byte, error) {
	bom := new(cdx.BOM)
	if err := cdx.NewBOMDecoder(bytes.NewReader(data), cdx.BOMFileFormatJSON).Decode(bom); err != nil {
		return nil, err
	}
	var components []cdx.Component
	var refs []string
	seen := make(map[string]bool, len(models))
	for _, m := range models {
		if seen[m.Path] {
			continue
		}
		seen[m.Path] = true
		c := component(m)
		components, refs = append(components, c), append(refs, c.BOMRef)
	}
	if bom.Components != nil {
		components = append(*bom.Components, components...)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	bom.Components = &components
	link(bom, refs)
	return encoded(bom)
}

func encoded(bom *cdx.BOM) ([]byte, error) {
	var out bytes.Buffer
	err := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false).Encode(bom)
	return out.Bytes(), err
}

// link makes the image depend on its models.
func link(bom *cdx.BOM, refs []string) {
	if bom.Metadata == nil || bom.Metadata.Component == nil || bom.Dependencies == nil {
		return
	}
	for i := range *bom.Dependencies {
		d := &(*bom.Dependencies)[i]
		if d.Ref != bom.Metadata.Component.BOMRef {
			continue
		}
		if d.Dependencies != nil {
			refs = append(refs, *d.Dependencies...)
		}
		slices.Sort(refs)
		d.Dependencies = &refs
	}
}

// card is what is known of a model when it is scanned; nil for nothing.
func card(m scan.Model) *cdx.MLModelCard {
	if m.Architecture == "" && len(m.Datasets) == 0 {
		return nil
	}
	p := &cdx.MLModelParameters{ModelArchitecture: m.Architecture}
	if len(m.Datasets) > 0 {
		var all []cdx.MLDatasetChoice
		for _, name := range m.Datasets {
			all = append(all, cdx.MLDatasetChoice{ComponentData: &cdx.ComponentData{Type: cdx.ComponentDataTypeDataset, Name: name}})
		}
		p.Datasets = &all
	}
	return &cdx.MLModelCard{ModelParameters: p}
}

// component is a model file. A config beside the weights is a file and no model.
func component(m scan.Model) cdx.Component {
	c := cdx.Component{Type: cdx.ComponentTypeMachineLearningModel, BOMRef: modelRef + m.Path, Name: m.Path}
	if m.Format == "json" {
		c.Type = cdx.ComponentTypeFile
	} else {
		c.ModelCard = card(m)
	}
	if m.SHA256 != "" {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: m.SHA256}}
	}
	if m.License != "" {
		c.Licenses = &cdx.Licenses{{License: &cdx.License{Name: m.License}}}
	}
	var properties []cdx.Property
	add := func(name, value string) {
		if value != "" {
			properties = append(properties, cdx.Property{Name: prefix + name, Value: value})
		}
	}
	number := func(n int64) string {
		if n <= 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	add("format", m.Format)
	add("framework", m.Framework)
	if m.Version != "" {
		add(cmp.Or(m.Framework, m.Format)+"-version", m.Version)
	}
	add("dtypes", strings.Join(m.Dtypes, ", "))
	add("parameters", number(m.Parameters))
	add("quantisation", m.Quantisation)
	add("size", number(m.Size))
	if len(properties) > 0 {
		c.Properties = &properties
	}
	return c
}
