package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/source"
)

// ErrConfig marks a plan that cannot be made of what the user asked for.
var ErrConfig = errors.New("config")

// Ask is all that a plan is made of.
type Ask struct {
	Config   *config.Config
	File     attest.File // the config
	Event    ci.Event
	Revision source.Revision
	Channel  string         // forced by the user; "" follows the channels' on: rules
	Registry string         // host that replaces the image's; "" keeps it
	Baseline *gate.Baseline // of the config's file; counts while the channel points to nothing
	Created  time.Time      // SOURCE_DATE_EPOCH; zero takes the commit's time
	Offline  bool           // the target's registry is not asked, as when nothing is pushed to it
	Lenient  bool           // a target that does not answer is a note and no error, as in a dry run
}

// Sources are where a plan's answers come from.
type Sources struct {
	Project   *os.Root // for bases that are files; stays the caller's
	Keychain  authn.Keychain
	Transport http.RoundTripper // nil: ggcr's default
	// Verifier says what is signed by those whom the config trusts. Without one,
	// a project that signs trusts no image that is there.
	Verifier sign.Verifier
}

// Plan is everything that a run will do, decided.
type Plan struct {
	Target  name.Repository
	Build   build.Spec
	Reports []string // patterns of files, and references of MLflow's runs and models
	Gates   gate.Policy
	Scan    Scan
	Release release.Plan
	Sign    *Signing   // nil: nothing is signed
	Trust   *Trust     // nil: nobody is trusted
	Run     attest.Run // without its times and the version of ai-ship
	// Baseline is the image that the channel points to now, or else the config's
	// file, nil when there is neither; Predecessor are the image's manifests.
	Baseline    *gate.Baseline
	Predecessor []v1.Manifest
	Current     *Current // where Predecessor was found, nil without one
	// Predecessors are the manifests that layers may be reused from.
	Predecessors []v1.Manifest
	ReuseFrom    []string // references of Predecessors, for people
	Notes        []string // what could not be found out
	// Withheld says why the image is pushed nowhere, for the report; "" when it is.
	Withheld string
}

// Current is the image that the channel points to before the run.
type Current struct {
	Channel string
	Image   name.Digest
}

// New makes a plan. What is wrong with the user's wishes is ErrConfig; other
// errors come from the registries.
func New(ctx context.Context, ask Ask, from Sources) (Plan, error) {
	gates, err := Policy(ask.Config)
	if err != nil {
		return Plan{}, err
	}
	p, err := offline(ask)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	p.Gates = gates
	p.Sign, p.Trust = Signed(ask.Config), Trusted(ask.Config)
	p.Run = runOf(ask)
	if p.Scan, err = Scanning(ask.Config, ask.Registry); err != nil {
		return Plan{}, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	options := base.Options{Project: from.Project, Keychain: from.Keychain, Transport: from.Transport}
	if p.Build.Base, err = base.Open(ctx, ask.Config.Base, options); err != nil {
		return Plan{}, err
	}
	for _, platform := range p.Build.Platforms {
		if err := p.Build.Base.Offers(platform); err != nil {
			return Plan{}, err
		}
	}
	if err := p.online(ctx, ask, from); err != nil {
		return Plan{}, err
	}
	p.Build.Annotations = p.annotations(ask)
	p.Build.Config.Labels = merged(p.Build.Annotations, ask.Config.Labels)
	return p, nil
}

// offline decides all that needs no registry.
func offline(ask Ask) (p Plan, err error) {
	if p.Target, err = Repository(ask.Config, ask.Registry); err != nil {
		return Plan{}, err
	}
	if p.Build, err = spec(ask); err != nil {
		return Plan{}, err
	}
	p.Reports = ask.Config.Reports
	return p, nil
}

// Repository is the config's image, on the host that replaces its own unless
// that is "".
func Repository(c *config.Config, host string) (name.Repository, error) {
	repo, err := name.NewRepository(c.Image)
	if err != nil || host == "" {
		return repo, err
	}
	repo, err = name.NewRepository(host + "/" + repo.RepositoryStr())
	if err != nil {
		return name.Repository{}, fmt.Errorf("registry %q: %w", host, err)
	}
	return repo, nil
}

// online asks the target's registry which tags there are and what the channels
// point to, and plans the tags with the answer.
func (p *Plan) online(ctx context.Context, ask Ask, from Sources) error {
	registry := release.Registry{Transport: from.Transport, Keychain: from.Keychain}
	var existing []string
	if !ask.Offline {
		var err error
		if existing, err = registry.Existing(ctx, p.Target); err != nil {
			if !ask.Lenient {
				return err
			}
			p.Notes = append(p.Notes, fmt.Sprintf("the target's tags are not known, so tags are planned as if it had none: %v", err))
		}
	}
	var err error
	if p.Release, err = release.NewPlan(wish(ask, existing)); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	for _, held := range p.Release.Held {
		p.Notes = append(p.Notes, fmt.Sprintf("channel %s comes after %s, so this run leaves it alone: ai-ship promote --to %s moves it", held.Channel, held.After, held.Channel))
	}
	return p.predecessors(ctx, ask, from, registry, existing)
}

// predecessors reads what the channels point to, the one that moves first.
func (p *Plan) predecessors(ctx context.Context, ask Ask, from Sources, registry release.Registry, existing []string) error {
	channels := slices.Sorted(maps.Keys(ask.Config.Channels))
	if i := slices.Index(channels, p.Release.Channel); i > 0 {
		channels = slices.Concat(channels[i:i+1], channels[:i], channels[i+1:])
	}
	for _, channel := range channels {
		if !slices.Contains(existing, channel) {
			continue
		}
		current, err := registry.Current(ctx, p.Target, channel)
		if err != nil {
			return err
		}
		if current == nil {
			continue
		}
		evidence, trusted, err := p.trusted(ctx, from.Verifier, p.Target.Tag(channel), current)
		if err != nil {
			return err
		}
		if !trusted {
			continue
		}
		if p.Baseline == nil && (channel == p.Release.Channel || p.Release.Channel == "") {
			p.baseline(p.Target.Tag(channel), current, evidence)
		}
		p.reuse(p.Target.Tag(channel), current)
	}
	if p.Baseline == nil {
		p.Baseline = ask.Baseline
	}
	for _, text := range ask.Config.CacheFrom {
		if err := p.cacheFrom(ctx, from.Verifier, registry, text); err != nil {
			return err
		}
	}
	return nil
}

// trusted says whether layers and numbers may be taken from an image. A project
// that signs takes them only from what its signers signed.
func (p *Plan) trusted(ctx context.Context, v sign.Verifier, tag name.Tag, current *release.Current) (sign.Evidence, bool, error) {
	if p.Sign == nil {
		return sign.Evidence{}, true, nil
	}
	if v == nil {
		p.Notes = append(p.Notes, fmt.Sprintf("nothing is taken from %s: verify does not say whose signatures count", tag))
		return sign.Evidence{}, false, nil
	}
	proof, err := sign.Prove(ctx, v, tag.Context().Digest(current.Digest.String()), nil)
	if errors.Is(err, sign.ErrUnproven) {
		p.Notes = append(p.Notes, fmt.Sprintf("nothing is taken from %s: %v", tag, err))
		return sign.Evidence{}, false, nil
	}
	return proof.Evidence(), err == nil, err
}

// baseline takes what an image says about itself: in its signed verdict, or,
// where nothing is signed, in its annotation.
func (p *Plan) baseline(tag name.Tag, current *release.Current, evidence sign.Evidence) {
	p.Baseline = &gate.Baseline{Ref: tag.Name() + "@" + current.Digest.String(), Compressed: current.Compressed}
	p.Predecessor = current.Manifests
	p.Current = &Current{Channel: tag.TagStr(), Image: p.Target.Digest(current.Digest.String())}
	var err error
	if p.Sign != nil {
		var verdict attest.Judged
		for _, a := range evidence.Attestations {
			if a.PredicateType == attest.Verdict {
				verdict, err = attest.ReadVerdict(a.Statement)
			}
		}
		p.Baseline.Measurements = verdict.Measurements
	} else if text := current.Annotations[gate.RecordAnnotation]; text != "" {
		p.Baseline.Measurements, err = gate.DecodeRecord(text)
	}
	if err != nil {
		p.Notes = append(p.Notes, fmt.Sprintf("what %s recorded about itself cannot be read, so nothing is compared with it: %v", tag, err))
	}
}

// runOf is who runs this, from which commit.
func runOf(ask Ask) attest.Run {
	return attest.Run{
		URL: ask.Event.RunURL, Config: ask.File,
		Source: firstOf(ask.Event.Repository, ask.Revision.Remote), Commit: firstOf(ask.Event.Commit, ask.Revision.Commit),
		Ref: firstOf(ask.Event.Tag, ask.Event.Branch, ask.Revision.Branch),
	}
}

// cacheFrom adds one more image to reuse layers from. One that cannot be read
// costs time and nothing else, so it is a note.
func (p *Plan) cacheFrom(ctx context.Context, verifier sign.Verifier, registry release.Registry, text string) error {
	ref, err := name.NewTag(text)
	if err != nil {
		return fmt.Errorf("%w: cache-from %q: %w", ErrConfig, text, err)
	}
	current, err := registry.Current(ctx, ref.Context(), ref.TagStr())
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		p.Notes = append(p.Notes, fmt.Sprintf("cache-from %q is not used: %v", text, err))
	case current == nil:
		p.Notes = append(p.Notes, fmt.Sprintf("cache-from %q is not used: there is no such image", text))
	default:
		_, trusted, err := p.trusted(ctx, verifier, ref, current)
		if err != nil || !trusted {
			return err
		}
		p.reuse(ref, current)
	}
	return nil
}

func (p *Plan) reuse(ref name.Tag, current *release.Current) {
	p.Predecessors = append(p.Predecessors, current.Manifests...)
	p.ReuseFrom = append(p.ReuseFrom, ref.Name()+"@"+current.Digest.String())
}

// wish is the event as the release package takes it: the CI's word, and git's
// where the CI says nothing.
func wish(ask Ask, existing []string) release.Ask {
	ref := release.Ref{
		Branch: ask.Event.Branch, Tag: ask.Event.Tag, Commit: ask.Event.Commit,
		PullRequest: ask.Event.PullRequest > 0,
	}
	if ask.Event.Provider == ci.Local {
		ref.Branch, ref.Commit = ask.Revision.Branch, ask.Revision.Commit
		ref.Tag = headTag(ask.Revision)
	}
	w := release.Ask{
		Suffix: ask.Config.Version.Suffix, Ref: ref, Nearest: ask.Revision.Nearest, Distance: ask.Revision.Distance,
		Channel: ask.Channel, Existing: existing,
	}
	if ask.Config.Version.From != "git" {
		w.Version = ask.Config.Version.From
	}
	for n, c := range ask.Config.Channels {
		w.Channels = append(w.Channels, release.Channel{Name: n, On: c.On, After: c.After})
	}
	slices.SortFunc(w.Channels, func(a, b release.Channel) int { return strings.Compare(a.Name, b.Name) })
	return w
}

// headTag is the tag that the commit is released as: the highest version that
// points at it.
func headTag(r source.Revision) string {
	if r.Nearest != "" && slices.Contains(r.Tags, r.Nearest) {
		return r.Nearest
	}
	return ""
}

// annotations are those of the OCI image-spec (annotations.md) that the inputs
// decide; nothing in them differs between two runs of one commit.
func (p *Plan) annotations(ask Ask) map[string]string {
	a := map[string]string{
		"org.opencontainers.image.version": p.Release.Version,
		"org.opencontainers.image.created": p.Build.Created.UTC().Format(time.RFC3339),
	}
	set := func(key, value string) {
		if value != "" {
			a["org.opencontainers.image."+key] = value
		}
	}
	set("revision", firstOf(ask.Event.Commit, ask.Revision.Commit))
	set("source", firstOf(ask.Event.Repository, ask.Revision.Remote))
	if p.Build.Base.Ref != base.Scratch {
		set("base.name", p.Build.Base.Ref)
		set("base.digest", p.Build.Base.Digest.String())
	}
	return a
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// merged lets the user's labels win.
func merged(ours, users map[string]string) map[string]string {
	all := maps.Clone(ours)
	maps.Copy(all, users)
	return all
}
