package build

import (
	"maps"
)

// Annotated is the product with further annotations on what tags point to: the
// image's manifest, or the index. The layers are the same ones.
func (p *Product) Annotated(annotations map[string]string) *Product {
	if len(annotations) == 0 {
		return p
	}
	out := *p
	merged := func(own map[string]string) map[string]string {
		all := maps.Clone(annotations)
		maps.Copy(all, own)
		return all
	}
	if p.Index != nil {
		out.Index = newIndex(p.Images, merged(p.Index.annotations))
		return &out
	}
	img := *p.Images[0]
	img.annotations = merged(img.annotations)
	img.prepare()
	out.Images = []*Image{&img}
	return &out
}
