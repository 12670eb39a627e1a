package policy

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
)

// ErrInexpressible says that an engine has no words for a demand.
var ErrInexpressible = errors.New("the engine cannot demand it")

// Demand is what an image must have to run.
type Demand struct {
	Repository    string // with its host, as statements name it
	AnyRepository bool   // statements made for the digest in another repository count
	Signer        Signer
	Format        Format
	Require       []string // predicate types
	// Channel is the one that the image must have been moved onto; "" for none.
	Channel string
	// Alone says that there is no other channel, so that all of a digest's
	// records are about this one.
	Alone bool
	// ScanMaxAge is how old the attested scan may be when a container starts;
	// 0 demands none.
	ScanMaxAge time.Duration
}

// Format is where the statements are.
type Format int

// The formats.
const (
	Bundle Format = iota // Sigstore bundles, as OCI referrers
	Legacy               // cosign's .sig and .att tags
	Both
)

// Signer is whose signatures count: a key, or an identity with its issuer.
type Signer struct {
	KeyPEM          string // public, PEM; "" for an identity
	Identity        string // the certificate's subject, or
	IdentityPattern string // what the whole of it must match
	Issuer          string
	Logged          bool   // an entry in a transparency log is demanded
	Log             string // its URL; "" for the public one
	// Stamped says that a timestamp authority vouches for the time: always where
	// there is no log, or one of version 2, which has no clock.
	Stamped bool
	// Root is the trusted root file of an instance other than the public one.
	Root []byte
}

// File is one document; its name has slashes.
type File struct {
	Name string
	Data []byte
}

// check refuses a demand that would let anybody in.
func (d Demand) check() error {
	s := d.Signer
	switch {
	case d.Repository == "":
		return errors.New("a policy needs a repository")
	case s.KeyPEM == "" && (s.Issuer == "" || (s.Identity == "") == (s.IdentityPattern == "")):
		return errors.New("a policy needs a key, or an issuer and one of an identity and a pattern for it")
	case s.KeyPEM != "" && (s.Issuer != "" || s.Identity != "" || s.IdentityPattern != ""):
		return errors.New("a policy needs a key or an identity, not both")
	}
	return nil
}

// keyless says whether certificates sign.
func (d Demand) keyless() bool { return d.Signer.KeyPEM == "" }

// log is the transparency log's URL.
func (s Signer) log() string { return cmp.Or(s.Log, "https://rekor.sigstore.dev") }

// pattern is anchored, as ai-ship reads it; engines look for it anywhere.
func (s Signer) pattern() string {
	if s.IdentityPattern == "" {
		return ""
	}
	return "^(?:" + s.IdentityPattern + ")$"
}

// statements are the predicate types that are demanded, each once. In bundles
// the signature is one of them.
func (d Demand) statements(bundles bool) []string {
	var all []string
	if bundles {
		all = append(all, sign.SignaturePredicate)
	}
	all = append(all, d.Require...)
	if d.Channel != "" {
		all = append(all, release.PromotionPredicate)
	}
	if d.ScanMaxAge > 0 {
		all = append(all, attest.Vulnerabilities)
	}
	var once []string
	for _, t := range all {
		if !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
}

// short names a statement where only letters, digits and _ may stand.
func short(predicateType string) string {
	switch predicateType {
	case sign.SignaturePredicate:
		return "signature"
	case release.PromotionPredicate:
		return "promotion"
	}
	return strings.Trim(odd.ReplaceAllString(strings.ToLower(attest.Name(predicateType)), "_"), "_")
}

var (
	odd      = regexp.MustCompile(`[^a-z0-9]+`)
	trailing = regexp.MustCompile(`(?m)[ \t]+$`)
)

// maxName is what Kubernetes takes in a label, where engines put the names of
// policies.
const maxName = 63

// name is the policy's, the same for the same repository and channel.
func (d Demand) name() string {
	text := "ai-ship-" + d.Repository
	if d.Channel != "" {
		text += "-" + d.Channel
	}
	name := strings.Trim(odd.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(name) > maxName {
		sum := fmt.Sprintf("-%x", sha256.Sum256([]byte(text)))[:9]
		name = strings.TrimRight(name[:maxName-len(sum)], "-") + sum
	}
	return name
}

// asYAML writes documents behind a head of comments.
func asYAML(head []string, documents ...any) ([]byte, error) {
	var out strings.Builder
	for _, line := range head {
		out.WriteString("# " + line + "\n")
	}
	for i, d := range documents {
		if i > 0 {
			out.WriteString("---\n")
		}
		text, err := yaml.MarshalWithOptions(d, yaml.UseLiteralStyleIfMultiline(true), yaml.IndentSequence(true))
		if err != nil {
			return nil, fmt.Errorf("writing a policy: %w", err)
		}
		out.Write(trailing.ReplaceAll(text, nil)) // of empty lines in a block
	}
	return []byte(out.String()), nil
}

// metadata names a Kubernetes object.
type metadata struct {
	Name string `yaml:"name"`
}

// plainly is a duration as all engines read it: 24h0m0s is 24h.
func plainly(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// aged is the warning of every policy that demands a young scan.
func (d Demand) aged() []string {
	if d.ScanMaxAge == 0 {
		return nil
	}
	return []string{
		"The scan's age is looked at whenever a container starts: an image that has run for longer than " + plainly(d.ScanMaxAge),
		"is refused when its pod is moved, until it is scanned and attested again.",
	}
}
