package sign

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// ErrUnproven is returned when a digest lacks a signature or statement that is
// demanded. No tag may move then.
var ErrUnproven = errors.New("not proven")

// Demand is a statement that a digest must have.
type Demand struct {
	PredicateType string
	// Check says what is wrong with one such statement; nil accepts any. All of
	// the digest's verified statements of the type must pass: one that says no
	// is not outvoted.
	Check func(Attestation) error
}

// Proof is the permission to move tags onto one digest. Its zero value permits
// nothing: release.Apply refuses a Proof with no subject. Only Prove, Hold and
// Unsigned make one.
type Proof struct {
	subject  name.Digest
	evidence Evidence
	note     string
}

// Prove asks the verifier about the digest and holds the answer against the
// demands: at least one signature, and every demanded statement. The error is
// ErrUnproven with everything that is missing, or the verifier's own.
func Prove(ctx context.Context, v Verifier, digest name.Digest, demands []Demand) (Proof, error) {
	evidence, err := v.Verify(ctx, digest)
	if err != nil {
		return Proof{}, fmt.Errorf("verifying %s: %w", digest, err)
	}
	return Hold(evidence, digest, demands)
}

// Hold holds a verifier's evidence about the digest against the demands, as
// Prove does.
func Hold(evidence Evidence, digest name.Digest, demands []Demand) (Proof, error) {
	if evidence.Subject != digest {
		return Proof{}, fmt.Errorf("verifying %s: the verifier answered about %q", digest, evidence.Subject)
	}
	var errs []error
	if len(evidence.Signatures) == 0 {
		errs = append(errs, fmt.Errorf("it has no signature by %s%s", evidence.Trusts, evidence.refused(SignaturePredicate)))
	}
	for _, d := range demands {
		errs = append(errs, evidence.meets(d))
	}
	if err := joined(errs); err != nil {
		return Proof{}, fmt.Errorf("%s is %w: %w", digest, ErrUnproven, err)
	}
	return Proof{subject: digest, evidence: evidence, note: "signed by " + evidence.Signatures[0].By.String()}, nil
}

// meets holds the evidence against one demand.
func (e Evidence) meets(d Demand) error {
	var errs []error
	found := false
	for _, a := range e.Attestations {
		if a.PredicateType != d.PredicateType {
			continue
		}
		found = true
		if d.Check != nil {
			errs = append(errs, d.Check(a))
		}
	}
	if !found {
		return fmt.Errorf("it has no statement %s by %s%s", d.PredicateType, e.Trusts, e.refused(d.PredicateType))
	}
	return joined(errs)
}

// joined is errors.Join in one sentence.
func joined(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return sentence(errs)
}

type sentence []error

func (s sentence) Error() string {
	var all []string
	for _, err := range s {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

func (s sentence) Unwrap() []error { return s }

// maxReasons is how many refusals an error names: anybody who may push can add
// more.
const maxReasons = 3

// refused is why what was found of the type does not count, each reason once.
func (e Evidence) refused(predicateType string) string {
	var reasons []string
	for _, r := range e.Refused {
		if (r.PredicateType == predicateType || r.PredicateType == "") && !slices.Contains(reasons, r.Reason) {
			reasons = append(reasons, r.Reason)
		}
	}
	if len(reasons) == 0 {
		return ""
	}
	more := ""
	if n := len(reasons) - maxReasons; n > 0 {
		reasons, more = reasons[:maxReasons], fmt.Sprintf("; and for %d more reasons", n)
	}
	return fmt.Sprintf(" (found and refused: %s%s)", strings.Join(reasons, "; "), more)
}

// Unsigned is the proof of a run that does not sign; why is printed beside
// every tag that is moved on its strength.
func Unsigned(subject name.Digest, why string) Proof {
	return Proof{subject: subject, note: why}
}

// Subject is the digest that tags may be moved onto, and whether there is one.
func (p Proof) Subject() (name.Digest, bool) {
	return p.subject, p.subject.DigestStr() != ""
}

// Signed says whether a signature stands behind the proof.
func (p Proof) Signed() bool { return len(p.evidence.Signatures) > 0 }

// Evidence is what the proof rests on; empty when nothing was signed.
func (p Proof) Evidence() Evidence { return p.evidence }

// Note says in words what the proof rests on.
func (p Proof) Note() string { return p.note }
