package vulndb

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Publish pushes an archive that Build made, or trivy's publisher, as the
// artifact that Pull reads, and returns its digest. The same archive gives the
// same digest. The archive's contents are not looked at.
func Publish(ctx context.Context, ref name.Reference, archive []byte, opts Options) (name.Digest, error) {
	o := opts.defaults()
	image, err := artifact(archive, o.Kind.spec())
	if err != nil {
		return name.Digest{}, fmt.Errorf("publishing the %s: %w", o.Kind, err)
	}
	if err := remote.Write(ref, image, o.remote(ctx)...); err != nil {
		return name.Digest{}, fmt.Errorf("publishing the %s as %s: %w", o.Kind, ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return name.Digest{}, fmt.Errorf("publishing the %s: %w", o.Kind, err)
	}
	return ref.Context().Digest(digest.String()), nil
}

// artifact is the image manifest around an archive.
func artifact(archive []byte, s spec) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), configType)
	return mutate.Append(image, mutate.Addendum{
		Layer:       static.NewLayer(archive, types.MediaType(s.mediaType)),
		Annotations: map[string]string{titleKey: s.title},
	})
}
