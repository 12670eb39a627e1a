package trivy

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/artifact"
	aimage "github.com/aquasecurity/trivy/pkg/fanal/artifact/image"
	fimage "github.com/aquasecurity/trivy/pkg/fanal/image"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/ai-ship/pkg/scan"
)

const licenseConfidence = 0.9 // what trivy's command line sets

// option is what trivy's command line sets for its image command.
func (s *session) option() artifact.Option {
	off := append([]analyzer.Type{}, analyzer.TypeLockfiles...)
	off = append(off, analyzer.TypeConfigFiles...)
	off = append(off, analyzer.TypeApkCommand, analyzer.TypeLicenseFile, analyzer.TypeHistoryDockerfile,
		analyzer.TypeExecutable, analyzer.TypeRpmArchive,
		analyzer.TypeJar, analyzer.TypeSecret) // see typeJars and search for the last two
	if !s.Secrets {
		off = append(off, analyzer.TypeImageConfigSecret)
	}
	return artifact.Option{
		Type:                 ftypes.TypeContainerImage,
		DisabledAnalyzers:    off,
		Parallel:             s.Parallel,
		NoProgress:           true,
		Offline:              true,
		FileChecksum:         true, // the SBOM lists hashes; one setting, or the cache would mix them
		DetectionPriority:    ftypes.PriorityPrecise,
		LicenseScannerOption: analyzer.LicenseScannerOption{ClassifierConfidenceLevel: licenseConfidence},
	}
}

// inspect has every layer analyzed, or takes its result from the cache. One
// layer at a time: trivy's log says what went wrong, but not where.
func (s *session) inspect(ctx context.Context) error {
	base := s.base()
	done := make(map[v1.Hash]bool)
	for _, diffID := range s.config.RootFS.DiffIDs {
		if done[diffID] {
			continue
		}
		done[diffID] = true
		if err := s.inspectLayer(ctx, diffID, s.Secrets && !base[diffID]); err != nil {
			return err
		}
		if base[diffID] && s.Secrets {
			s.findings.Skipped = append(s.findings.Skipped, scan.Skip{
				Layer: s.layers[diffID].Digest, Reason: "a layer of the base, where trivy looks for packages but not for secrets",
			})
		}
	}
	return nil
}

// base tells the layers that trivy takes for the base's, by the image's
// history, and does not look for secrets in. Ours are never among them.
func (s *session) base() map[v1.Hash]bool {
	base := make(map[v1.Hash]bool)
	end := fimage.GuessBaseImageIndex(s.config.History)
	n := 0
	for i, h := range s.config.History {
		if i > end || n >= len(s.config.RootFS.DiffIDs) {
			break
		}
		if h.EmptyLayer {
			continue
		}
		if diffID := s.config.RootFS.DiffIDs[n]; s.layers[diffID].Kind == "base" {
			base[diffID] = true
		}
		n++
	}
	return base
}

// inspectLayer analyzes one layer as if it were an image.
func (s *session) inspectLayer(ctx context.Context, diffID v1.Hash, secrets bool) error {
	about := s.layers[diffID]
	about.DiffID = diffID
	var seen proof
	single := &view{
		Image: s.target.Image, name: s.target.Name, id: "layer " + diffID.String(), config: alone(s.config, diffID),
		layer: func(h v1.Hash) (v1.Layer, error) {
			l, err := s.layer(h)
			if err != nil {
				seen.err = err
				return nil, err
			}
			if secrets {
				s.results.search = newSearch(s.rules, s.Parallel)
			}
			return &checked{Layer: l, about: about, live: func() error { return context.Cause(ctx) }, proof: &seen, copies: s.results.search}, nil
		},
	}
	s.results.begin(secrets)
	err := guarded("analyzing layer "+about.Digest.String(), func() error {
		a, err := aimage.NewArtifact(single, s.results, s.option())
		if err != nil {
			return err
		}
		_, err = a.Inspect(ctx)
		return err
	})
	missed := s.results.endSearch()
	if ended := context.Cause(ctx); ended != nil {
		return ended
	}
	if s.results.found != nil {
		s.noteJars(s.results.found.Jars, about.Digest)
		return err
	}
	notes, paths := process.log.take(), s.jars.take()
	s.note(notes, about.Digest)
	s.noteJars(paths, about.Digest)
	if err == nil && seen.whole {
		if missed != nil {
			s.findings.Incomplete = append(s.findings.Incomplete, scan.Incomplete{ID: "analysis-error", Layer: about.Digest, Detail: missed.Error()})
			return nil
		}
		if len(notes) > 0 {
			return nil
		}
		if err := s.results.save(ctx, paths); err != nil {
			return fmt.Errorf("keeping the result of layer %s: %w", about.Digest, err)
		}
		return nil
	}
	return s.damaged(ctx, about, seen, err)
}

// layer is a layer of the image. An image may have to unpack what its base has
// to learn diffIDs, so the digest is used where it is known.
func (s *session) layer(diffID v1.Hash) (v1.Layer, error) {
	if known, ok := s.layers[diffID]; ok {
		return s.target.Image.LayerByDigest(known.Digest)
	}
	return s.target.Image.LayerByDiffID(diffID)
}

// damaged says what is missing of a layer that was not read to its end, and
// gives trivy an empty result if it made none, so that the others are scanned.
func (s *session) damaged(ctx context.Context, about scan.Layer, seen proof, err error) error {
	var network net.Error
	var registry *transport.Error
	if errors.As(seen.err, &network) || errors.As(seen.err, &registry) {
		return fmt.Errorf("reading layer %s: %w", about.Digest, seen.err)
	}
	if !seen.whole {
		missing := incompletef("unverified-layer", "the layer's content does not have the diffID %s: %v", about.DiffID, seen.err)
		missing.Layer = about.Digest
		s.findings.Incomplete = append(s.findings.Incomplete, missing)
	}
	if err != nil {
		missing := incompletef("walk-error", "the layer could not be analyzed: %v", err)
		missing.Layer = about.Digest
		s.findings.Incomplete = append(s.findings.Incomplete, missing)
	}
	if s.results.put == nil {
		return s.results.PutBlob(ctx, s.results.key, ftypes.BlobInfo{SchemaVersion: ftypes.BlobJSONSchemaVersion, DiffID: about.DiffID.String()})
	}
	return nil
}

// alone is the config of an image of one layer.
func alone(config *v1.ConfigFile, diffID v1.Hash) *v1.ConfigFile {
	return &v1.ConfigFile{
		OS: config.OS, Architecture: config.Architecture,
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		History: []v1.History{{}},
	}
}

// note adds what trivy logged about a layer, or about the image.
func (s *session) note(notes []note, layer v1.Hash) {
	incomplete, skips := gaps(notes, layer)
	s.findings.Incomplete = append(s.findings.Incomplete, incomplete...)
	s.findings.Skipped = append(s.findings.Skipped, skips...)
}
