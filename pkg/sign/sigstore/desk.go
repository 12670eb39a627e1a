package sigstore

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/sigstore/cosign/v2/pkg/oci"
	"golang.org/x/sync/errgroup"

	"github.com/org/ai-ship/pkg/sign"
)

// desk is where everything is signed before anything is written.
type desk struct {
	client  *client
	session *session
	digest  name.Digest
	subject v1.Descriptor
	format  Format

	entries   []sign.Entry // one for each statement
	artifacts []*artifact  // the same as bundles

	attestations []oci.Signature // the statements for .att
	signatures   []oci.Signature // the one for .sig
}

// sign signs all statements in the forms that the format asks for. Only the
// last one may be a signature.
func (d *desk) sign(ctx context.Context, all []sign.Statement) error {
	d.entries, d.artifacts = make([]sign.Entry, len(all)), make([]*artifact, len(all))
	last := len(all) // of the attestations, behind which the signature stands, if any
	if last > 0 && all[last-1].PredicateType == sign.SignaturePredicate {
		last--
	}
	d.attestations, d.signatures = make([]oci.Signature, last), make([]oci.Signature, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, st := range all {
		group.Go(func() error {
			if err := d.statement(ctx, i, st, i == last); err != nil {
				return fmt.Errorf("statement %q: %w", st.PredicateType, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// statement signs one statement. Its entry is the bundle's when there is one.
func (d *desk) statement(ctx context.Context, i int, st sign.Statement, signature bool) (err error) {
	if signature && d.format.tags() {
		if d.signatures[0], d.entries[i], err = d.session.signature(ctx, d.digest); err != nil {
			return err
		}
	}
	if signature && !d.format.bundles() {
		return nil
	}
	made, err := d.session.bundle(ctx, d.digest, st)
	if err != nil {
		return err
	}
	if !signature && d.format.tags() {
		if d.attestations[i], d.entries[i], err = d.session.attestation(ctx, made, st.PredicateType); err != nil {
			return err
		}
	}
	if !d.format.bundles() {
		return nil
	}
	if d.artifacts[i], err = newArtifact(d.subject, st.PredicateType, made.json); err != nil {
		return err
	}
	d.entries[i] = sign.Entry{PredicateType: st.PredicateType, Digest: d.artifacts[i].digest.String(), Log: made.log}
	return nil
}

// attest writes the attestations. Each look must find the bundles; cosign's
// tag is always settled.
func (d *desk) attest(ctx context.Context, looks int) error {
	bundles := d.artifacts[:len(d.attestations)]
	if len(bundles) == 0 {
		return nil
	}
	if d.format.bundles() {
		if err := settle(ctx, d.shelf(), bundles, looks); err != nil {
			return err
		}
	}
	if d.format.tags() {
		return settle(ctx, d.ledger(attSuffix), d.attestations, stableLooks)
	}
	return nil
}

// seal writes the signature and has a last look at everything.
func (d *desk) seal(ctx context.Context) error {
	if d.format.bundles() {
		shelf := d.shelf()
		if err := shelf.put(ctx, d.artifacts[len(d.attestations):]); err != nil {
			return err
		}
		if err := settle(ctx, shelf, d.artifacts, stableLooks); err != nil {
			return err
		}
	}
	if d.format.tags() {
		return settle(ctx, d.ledger(sigSuffix), d.signatures, stableLooks)
	}
	return nil
}

func (d *desk) shelf() *shelf { return &shelf{client: d.client, subject: d.digest} }

func (d *desk) ledger(suffix string) *ledger {
	return &ledger{client: d.client, tag: cosignTag(d.digest, suffix)}
}
