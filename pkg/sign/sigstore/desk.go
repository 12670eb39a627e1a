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

// desk holds what was signed and is not written yet.
type desk struct {
	client  *client
	session *session
	digest  name.Digest
	subject v1.Descriptor

	entries      []sign.Entry    // one for each statement, the signature's last
	artifacts    []*artifact     // the same as bundles
	attestations []oci.Signature // the statements for .att
	signatures   []oci.Signature // the one for .sig
}

// sign signs all statements in the forms that the format asks for.
func (d *desk) sign(ctx context.Context, all []sign.Statement, format Format) error {
	last := len(all) - 1
	d.entries, d.artifacts = make([]sign.Entry, len(all)), make([]*artifact, len(all))
	if format.tags() {
		d.attestations, d.signatures = make([]oci.Signature, last), make([]oci.Signature, 1)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i, st := range all {
		if i == last && !format.bundles() {
			continue
		}
		group.Go(func() error {
			if err := d.statement(ctx, i, st, format, i == last); err != nil {
				return fmt.Errorf("statement %q: %w", st.PredicateType, err)
			}
			return nil
		})
	}
	if format.tags() {
		group.Go(func() error {
			signature, entry, err := d.session.signature(ctx, d.digest)
			d.signatures[0] = signature
			if !format.bundles() {
				d.entries[last] = entry
			}
			return err
		})
	}
	return group.Wait()
}

// statement signs one statement. Its entry is the bundle's when there is one.
func (d *desk) statement(ctx context.Context, i int, st sign.Statement, format Format, signature bool) error {
	made, err := d.session.bundle(ctx, d.digest, st)
	if err != nil {
		return err
	}
	if format.tags() && !signature {
		if d.attestations[i], d.entries[i], err = d.session.attestation(ctx, made, st.PredicateType); err != nil {
			return err
		}
	}
	if !format.bundles() {
		return nil
	}
	if d.artifacts[i], err = newArtifact(d.subject, st.PredicateType, made.json); err != nil {
		return err
	}
	d.entries[i] = sign.Entry{PredicateType: st.PredicateType, Digest: d.artifacts[i].digest.String(), Log: made.log}
	return nil
}
