package sigstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plain"
	"github.com/org/ai-ship/pkg/sign"
)

// readers is how many referrers are read at a time.
const readers = 8

// bundlePrefix begins the media type of every Sigstore bundle.
const bundlePrefix = "application/vnd.dev.sigstore.bundle"

// Verifier finds what one key or one identity says about a digest.
type Verifier struct {
	trust    *trusted
	registry Registry
}

var _ sign.Verifier = (*Verifier)(nil)

// NewVerifier understands the trust, loads the key and reads the root. It asks
// nobody when both are given as files or values.
func NewVerifier(ctx context.Context, trust Trust, registry Registry) (*Verifier, error) {
	understood, err := trust.understand(ctx)
	if err != nil {
		return nil, fmt.Errorf("preparing to verify: %w", err)
	}
	return &Verifier{trust: understood, registry: registry}, nil
}

// Verify implements sign.Verifier. It reads the bundles that refer to the
// digest and cosign's tags beside it.
func (v *Verifier) Verify(ctx context.Context, digest name.Digest) (sign.Evidence, error) {
	evidence, err := v.verify(ctx, digest)
	if err != nil {
		return sign.Evidence{}, fmt.Errorf("reading signatures of %s: %w", digest, explain(err, digest.Context()))
	}
	return evidence, nil
}

func (v *Verifier) verify(ctx context.Context, digest name.Digest) (sign.Evidence, error) {
	if !strings.HasPrefix(digest.DigestStr(), "sha256:") {
		return sign.Evidence{}, errors.New("only digests by sha256 can be verified")
	}
	client, err := v.registry.connect(ctx, digest.Context(), transport.PullScope)
	if err != nil {
		return sign.Evidence{}, err
	}
	found := &findings{trust: v.trust, digest: digest, client: client}
	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error { return found.bundles(inner) })
	group.Go(func() error { return found.tags(inner, sigSuffix) })
	group.Go(func() error { return found.tags(inner, attSuffix) })
	if err := group.Wait(); err != nil {
		return sign.Evidence{}, err
	}
	return found.evidence(), nil
}

// findings collects what is beside one digest. Its readers run at once.
type findings struct {
	trust  *trusted
	digest name.Digest
	client *client
	read   atomic.Int64 // bytes

	mu           sync.Mutex
	signatures   []sign.Signature
	attestations []sign.Attestation
	refused      []sign.Refusal
}

// evidence puts what was found into an order that does not depend on who
// answered first.
func (f *findings) evidence() sign.Evidence {
	order := func(a, b sign.Signature) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Digest, b.Digest))
	}
	slices.SortFunc(f.signatures, order)
	slices.SortFunc(f.attestations, func(a, b sign.Attestation) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.PredicateType, b.PredicateType), order(a.Signature, b.Signature))
	})
	slices.SortFunc(f.refused, func(a, b sign.Refusal) int {
		return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.PredicateType, b.PredicateType), cmp.Compare(a.Reason, b.Reason))
	})
	return sign.Evidence{
		Subject: f.digest, Trusts: f.trust.words,
		Signatures: f.signatures, Attestations: f.attestations, Refused: f.refused,
	}
}

// accept counts a verified statement. What kind it is, its own text says.
func (f *findings) accept(st sign.Statement, by sign.Signature) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if st.PredicateType == sign.SignaturePredicate {
		f.signatures = append(f.signatures, by)
		return
	}
	f.attestations = append(f.attestations, sign.Attestation{Statement: st, Signature: by})
}

// maxReason is what is kept of a reason, in bytes: it may quote a hostile text.
const maxReason = 500

// refuse keeps the reason why something does not count, on one line.
func (f *findings) refuse(digest, predicateType string, err error) {
	reason := strings.Join(strings.Fields(plain.Text(err.Error())), " ")
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "") + "…"
	}
	if len(predicateType) > maxReason {
		predicateType = "" // nobody demands it
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refused = append(f.refused, sign.Refusal{Digest: digest, PredicateType: predicateType, Reason: reason})
}

// bundles reads and checks every bundle that refers to the digest.
func (f *findings) bundles(ctx context.Context) error {
	found, err := f.client.referrers(ctx, f.digest)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	seen := make(map[v1.Hash]bool)
	for _, d := range found.referrers {
		if !maybeBundle(d) || seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		group.Go(func() error {
			return f.referrer(ctx, d.Digest.String(), d.Annotations["dev.sigstore.bundle.predicateType"])
		})
	}
	return group.Wait()
}

// maybeBundle passes over what says that it is something else. Some registries
// show the type of the config in place of the artifact's.
func maybeBundle(d v1.Descriptor) bool {
	return d.ArtifactType == "" || d.ArtifactType == emptyConfig || strings.HasPrefix(d.ArtifactType, bundlePrefix)
}

// errNoBundle is a referrer of another kind.
var errNoBundle = errors.New("it is no bundle")

// referrer reads one bundle. The error is the registry's; whatever is wrong
// with what it gave is a refusal. claimed is only a word for that.
func (f *findings) referrer(ctx context.Context, digest, claimed string) error {
	layer, err := f.manifest(ctx, digest)
	if errors.Is(err, errNoBundle) {
		return nil
	}
	var odd *oddError
	if errors.As(err, &odd) {
		f.refuse(digest, claimed, odd.err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("referrer %s: %w", digest, err)
	}
	text, err := f.blob(ctx, layer)
	if errors.As(err, &odd) {
		f.refuse(digest, claimed, odd.err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("bundle %s: %w", layer.Digest, err)
	}
	st, by, err := f.trust.checkBundle(text, f.digest)
	if err != nil {
		f.refuse(digest, cmp.Or(st.PredicateType, claimed), err)
		return nil
	}
	by.Digest = digest
	f.accept(st, by)
	return nil
}

// oddError is something that the registry gave and that cannot be used.
type oddError struct{ err error }

func (e *oddError) Error() string { return e.err.Error() }

func odd(format string, args ...any) error { return &oddError{fmt.Errorf(format, args...)} }

// manifest reads a referrer's manifest: exactly one layer, about the digest.
func (f *findings) manifest(ctx context.Context, digest string) (v1.Descriptor, error) {
	got, err := f.client.get(ctx, f.client.url("manifests", digest), types.OCIManifestSchema1, maxManifest)
	if errors.Is(err, errTooLarge) {
		return v1.Descriptor{}, odd("its manifest is larger than %d bytes", maxManifest)
	}
	if err != nil {
		return v1.Descriptor{}, err
	}
	if got.status == http.StatusNotFound {
		return v1.Descriptor{}, odd("its manifest is gone")
	}
	if got.status != http.StatusOK {
		return v1.Descriptor{}, got.refused()
	}
	if err := f.spend(int64(len(got.body))); err != nil {
		return v1.Descriptor{}, err
	}
	if other, err := sum(got.body); err != nil || other.String() != digest {
		return v1.Descriptor{}, odd("its manifest has digest %s", other)
	}
	var m v1.Manifest
	if err := json.Unmarshal(got.body, &m); err != nil {
		return v1.Descriptor{}, odd("its manifest cannot be read: %w", err)
	}
	if len(m.Layers) == 0 || !strings.HasPrefix(string(m.Layers[0].MediaType), bundlePrefix) {
		return v1.Descriptor{}, errNoBundle
	}
	if len(m.Layers) != 1 {
		return v1.Descriptor{}, odd("its manifest has %d layers, not one", len(m.Layers))
	}
	if m.Subject == nil || m.Subject.Digest.String() != f.digest.DigestStr() {
		return v1.Descriptor{}, odd("its manifest refers to another digest")
	}
	return m.Layers[0], nil
}

// blob reads a bundle; ggcr holds it to its digest.
func (f *findings) blob(ctx context.Context, described v1.Descriptor) ([]byte, error) {
	if described.Size > maxBundle {
		return nil, odd("its bundle is larger than %d bytes", maxBundle)
	}
	layer, err := remote.Layer(f.client.repo.Digest(described.Digest.String()), f.client.options(ctx)...)
	if err != nil {
		return nil, err
	}
	body, err := layer.Compressed()
	if missing(err) {
		return nil, odd("its bundle is gone")
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := readAtMost(body, maxBundle)
	if errors.Is(err, errTooLarge) {
		return nil, odd("its bundle is larger than %d bytes", maxBundle)
	}
	if err != nil {
		return nil, err
	}
	if int64(len(text)) != described.Size {
		return nil, odd("its bundle has %d bytes, not %d as its manifest says", len(text), described.Size)
	}
	return text, f.spend(int64(len(text)))
}

// spend bounds what is read about one digest.
func (f *findings) spend(n int64) error {
	if f.read.Add(n) > maxRead {
		return hint.Wrap(fmt.Errorf("found more than %d bytes of signatures and statements", int64(maxRead)), "delete referrers that nobody needs")
	}
	return nil
}
