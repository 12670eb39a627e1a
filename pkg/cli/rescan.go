package cli

import (
	"context"
	"errors"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/sign"
)

// rescan wires the scan of a promoted image whose last one is too old for the
// channel.
func (s *shelf) rescan(ctx context.Context, keep *kept, channel plan.Channel, p release.Promotion, gates *gate.Scan, m release.Mover) (r pipeline.Rescan, err error) {
	wanted, err := plan.Scanning(s.config, s.repo.RegistryStr())
	if err != nil {
		return r, misuse(err)
	}
	r = pipeline.Rescan{MaxAge: channel.ScanMaxAge, Policy: *gates, Verifier: m.Verifier, Signer: m.Signer, Images: s.images, Now: time.Now}
	if gates.Vulnerabilities.OnlyNew {
		if r.Current, err = s.current(ctx, channel.Name, p.Subject, m); err != nil {
			return r, err
		}
	}
	packages := &packages{wanted: wanted, project: s.project, keep: keep}
	r.Packages, r.Pushed = packages.listed, packages.pushed
	return r, nil
}

// current is the proven image that a channel points to and that subject would
// replace, nil for none: of another, nobody knows whether it was ever let in.
func (s *shelf) current(ctx context.Context, channel string, subject name.Digest, m release.Mover) (*plan.Current, error) {
	found, err := m.Registry.Current(ctx, s.repo, channel)
	if err != nil || found == nil || found.Digest.String() == subject.DigestStr() {
		return nil, err
	}
	digest := s.repo.Digest(found.Digest.String())
	_, err = sign.Prove(ctx, m.Verifier, digest, nil)
	switch {
	case errors.Is(err, sign.ErrUnproven):
		return nil, nil //nolint:nilnil // nothing to compare with, as documented
	case err != nil:
		return nil, err
	}
	return &plan.Current{Channel: channel, Image: digest}, nil
}

// images are the images of a digest: itself, or those of an index.
func (s *shelf) images(ctx context.Context, subject name.Digest) ([]pipeline.PushedImage, error) {
	opened, err := base.Open(ctx, subject.Name(), base.Options{Keychain: s.keys})
	if err != nil {
		return nil, err
	}
	var all []pipeline.PushedImage
	for _, text := range opened.Platforms() {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return nil, err
		}
		img, err := opened.Image(*platform)
		if err != nil {
			return nil, err
		}
		digest, err := img.Digest()
		if err != nil {
			return nil, err
		}
		target, _, err := build.Published(img, subject.Name(), *platform)
		if err != nil {
			return nil, err
		}
		all = append(all, pipeline.PushedImage{Digest: subject.Context().Digest(digest.String()), Platform: *platform, Target: target})
	}
	return all, nil
}

// listed looks up the packages that an SBOM lists.
func (s *packages) listed(ctx context.Context, target scan.Target, document []byte) (scan.Findings, error) {
	return s.look(ctx, func() (scan.Findings, error) { return s.engine.ScanSBOM(ctx, target, document) })
}
