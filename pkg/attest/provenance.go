package attest

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	ita "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/org/ai-ship/pkg/sign"
)

// BuildType says how to read the provenance's parameters; docs/attestations.md
// documents it.
const BuildType = "https://ai-ship.dev/build/v1"

// Built is how an image was made.
type Built struct {
	Run       Run
	Version   string
	Platforms []string
	Base      Base
	Layers    []Layer // ours
	Reports   []Report
}

// Base is the image that this one stands on.
type Base struct {
	Ref    string
	Digest v1.Hash // zero for scratch
}

// Layer is one of our layers, as a material: its content is the files that it
// was made of.
type Layer struct {
	Name   string // what it holds
	Kind   string // python, app, model or config
	Digest v1.Hash
	Recipe string
}

// Statement is SLSA provenance v1: who built it, from which commit and config,
// and every material.
func (b Built) Statement() (sign.Statement, error) {
	external, err := structpb.NewStruct(map[string]any{
		"config": b.Run.Config.Name, "source": b.Run.Source, "ref": b.Run.Ref, "version": b.Version, "platforms": list(b.Platforms),
	})
	if err != nil {
		return sign.Statement{}, fmt.Errorf("writing the provenance: %w", err)
	}
	p := &slsa.Provenance{
		BuildDefinition: &slsa.BuildDefinition{BuildType: BuildType, ExternalParameters: external, ResolvedDependencies: b.materials()},
		RunDetails: &slsa.RunDetails{
			Builder:  &slsa.Builder{Id: builder(b.Run), Version: map[string]string{"ai-ship": b.Run.Tool}},
			Metadata: &slsa.BuildMetadata{InvocationId: b.Run.URL, StartedOn: timestamppb.New(b.Run.Started), FinishedOn: timestamppb.New(b.Run.Finished)},
		},
	}
	if err := p.Validate(); err != nil {
		return sign.Statement{}, fmt.Errorf("writing the provenance: %w", err)
	}
	return encoded(Provenance, p)
}

// builder is the platform that ran the build: the host of the CI's run. On a
// laptop there is none that could be trusted for anything.
func builder(r Run) string {
	if scheme, rest, ok := strings.Cut(r.URL, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		return scheme + "://" + host
	}
	return "https://ai-ship.dev/builder/local"
}

func (b Built) materials() []*ita.ResourceDescriptor {
	var all []*ita.ResourceDescriptor
	if b.Run.Source != "" && b.Run.Commit != "" {
		all = append(all, &ita.ResourceDescriptor{Name: "source", Uri: "git+" + b.Run.Source, Digest: map[string]string{"gitCommit": b.Run.Commit}})
	}
	all = append(all, material(b.Run.Config.Name, "", b.Run.Config.SHA256))
	if b.Base.Digest != (v1.Hash{}) {
		all = append(all, material("base", b.Base.Ref, b.Base.Digest.Hex))
	}
	for _, l := range b.Layers {
		d := material(l.Name, "", l.Digest.Hex)
		d.Annotations = annotations(map[string]string{"kind": l.Kind, "recipe": l.Recipe})
		all = append(all, d)
	}
	for _, r := range b.Reports {
		d := material(r.Path, "", r.SHA256)
		d.Annotations = annotations(map[string]string{"kind": "report", "format": r.Format})
		all = append(all, d)
	}
	return all
}

func annotations(of map[string]string) *structpb.Struct {
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value)}
	for k, v := range of {
		s.Fields[k] = structpb.NewStringValue(v)
	}
	return s
}

func list(of []string) []any {
	all := make([]any, len(of))
	for i, s := range of {
		all[i] = s
	}
	return all
}
