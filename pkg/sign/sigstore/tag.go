package sigstore

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/sigstore/cosign/v2/pkg/cosign/bundle"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"github.com/sigstore/cosign/v2/pkg/oci/mutate"
	ociremote "github.com/sigstore/cosign/v2/pkg/oci/remote"
	"github.com/sigstore/cosign/v2/pkg/oci/static"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	engine "github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/org/ai-ship/pkg/sign"
)

// cosign's tags beside a digest.
const (
	sigSuffix = "sig"
	attSuffix = "att"
)

// cosignTag is sha256-HEX.sig or .att.
func cosignTag(digest name.Digest, suffix string) string {
	return "sha256-" + digest.DigestStr()[len("sha256:"):] + "." + suffix
}

// ledger is one of cosign's tags: an image whose layers are the entries. Every
// writer rewrites it whole.
type ledger struct {
	client *client
	tag    string
}

func (l *ledger) put(ctx context.Context, entries []oci.Signature) error {
	options := l.client.options(ctx)
	tag := l.client.repo.Tag(l.tag)
	base, err := ociremote.Signatures(tag, ociremote.WithRemoteOptions(options...))
	if err != nil {
		return fmt.Errorf("reading tag %q: %w", l.tag, err)
	}
	grown, err := mutate.AppendSignatures(base, false, entries...)
	if err != nil {
		return fmt.Errorf("adding to tag %q: %w", l.tag, err)
	}
	if err := remote.Write(tag, grown, options...); err != nil {
		return fmt.Errorf("writing tag %q: %w", l.tag, err)
	}
	return nil
}

func (l *ledger) missing(ctx context.Context, entries []oci.Signature) ([]oci.Signature, error) {
	found, err := l.client.layers(ctx, l.tag)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool)
	for _, d := range found {
		there[d.Digest.String()+d.Annotations[static.SignatureAnnotationKey]] = true
	}
	var lost []oci.Signature
	for _, e := range entries {
		digest, err := e.Digest()
		if err != nil {
			return nil, err
		}
		// All signatures of one digest have the same payload.
		signature, err := e.Base64Signature()
		if err != nil {
			return nil, err
		}
		if !there[digest.String()+signature] {
			lost = append(lost, e)
		}
	}
	return lost, nil
}

// kept is false: no registry keeps a tag from being overwritten.
func (l *ledger) kept() bool { return false }

// layers are the entries of one of cosign's tags, none when there is no tag.
func (c *client) layers(ctx context.Context, tag string) ([]v1.Descriptor, error) {
	got, err := c.get(ctx, c.url("manifests", tag), types.OCIManifestSchema1, maxManifest)
	if err != nil {
		return nil, fmt.Errorf("reading tag %q: %w", tag, err)
	}
	switch got.status {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, nil
	default:
		return nil, fmt.Errorf("reading tag %q: %w", tag, got.refused())
	}
	var m v1.Manifest
	if err := json.Unmarshal(got.body, &m); err != nil {
		return nil, fmt.Errorf("reading tag %q: it is no manifest: %w", tag, err)
	}
	if len(m.Layers) > maxReferrers {
		return nil, errTooMany()
	}
	return m.Layers, nil
}

// signature is the payload of cosign's .sig, signed.
func (s *session) signature(ctx context.Context, digest name.Digest) (oci.Signature, sign.Entry, error) {
	text, err := payload.Cosign{Image: digest}.MarshalJSON()
	if err != nil {
		return nil, sign.Entry{}, err
	}
	made, err := s.seal(ctx, &engine.PlainData{Data: text})
	if err != nil {
		return nil, sign.Entry{}, err
	}
	options := s.vouchers(made.proto)
	if stamps := made.proto.GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps(); len(stamps) > 0 {
		options = append(options, static.WithRFC3161Timestamp(bundle.TimestampToRFC3161Timestamp(stamps[0].GetSignedTimestamp())))
	}
	signature := base64.StdEncoding.EncodeToString(made.proto.GetMessageSignature().GetSignature())
	entry, err := static.NewSignature(text, signature, options...)
	if err != nil {
		return nil, sign.Entry{}, err
	}
	return described(entry, sign.SignaturePredicate, made.log)
}

// attestation is a signed statement in the form of cosign's .att. Its
// timestamp is of the whole envelope, not of the signature in it.
func (s *session) attestation(ctx context.Context, made signed, predicateType string) (oci.Signature, sign.Entry, error) {
	envelope, err := json.Marshal(made.proto.GetDsseEnvelope())
	if err != nil {
		return nil, sign.Entry{}, err
	}
	// cosign takes the annotation for a name; what counts is in the statement.
	options := []static.Option{
		static.WithLayerMediaType(envelopeType),
		static.WithAnnotations(map[string]string{"predicateType": predicateType}),
	}
	options = append(options, s.vouchers(made.proto)...)
	if s.services.Timestamps != "" {
		stamp, err := s.timestamps(ctx).GetTimestamp(ctx, envelope)
		if err != nil {
			return nil, sign.Entry{}, plainly(err)
		}
		options = append(options, static.WithRFC3161Timestamp(bundle.TimestampToRFC3161Timestamp(stamp)))
	}
	entry, err := static.NewAttestation(envelope, options...)
	if err != nil {
		return nil, sign.Entry{}, err
	}
	return described(entry, predicateType, made.log)
}

func described(entry oci.Signature, predicateType, log string) (oci.Signature, sign.Entry, error) {
	digest, err := entry.Digest()
	return entry, sign.Entry{PredicateType: predicateType, Digest: digest.String(), Log: log}, err
}

// vouchers are the certificate and the log's promise as annotations.
func (s *session) vouchers(made *protobundle.Bundle) []static.Option {
	var options []static.Option
	if s.certificate != nil {
		options = append(options, static.WithCertChain(s.pem(), nil))
	}
	for _, e := range made.GetVerificationMaterial().GetTlogEntries() {
		if e.GetInclusionPromise() == nil {
			continue
		}
		options = append(options, static.WithBundle(&bundle.RekorBundle{
			SignedEntryTimestamp: e.GetInclusionPromise().GetSignedEntryTimestamp(),
			Payload: bundle.RekorPayload{
				Body:           base64.StdEncoding.EncodeToString(e.GetCanonicalizedBody()),
				IntegratedTime: e.GetIntegratedTime(),
				LogIndex:       e.GetLogIndex(),
				LogID:          hex.EncodeToString(e.GetLogId().GetKeyId()),
			},
		}))
	}
	return options
}
