package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/spf13/pflag"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
)

// imageFlags are the flags of commands about images that are in a registry.
type imageFlags struct {
	config   string
	registry string
	json     bool
}

func (f *imageFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.config, "config", "c", "ai-ship.yaml", "config `file`; its folder is the project")
	flags.StringVar(&f.registry, "registry", "", "`host` of the registry instead of the image's, or embedded")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output")
}

// shelf is the project's repository, with what the config says about it.
type shelf struct {
	*project
	repo name.Repository
}

// shelf opens the project and, if it is asked for, the embedded registry. The
// caller calls done.
func (p Process) shelf(ctx context.Context, f imageFlags) (s *shelf, done func() error, err error) {
	project, err := p.openProject(planFlags{config: f.config, registry: f.registry})
	if err != nil {
		return nil, nil, err
	}
	p.hideLogins(ctx, project.config.Image)
	done = project.root.Close
	host := f.registry
	if host == embedded {
		at, stop, err := serve(ctx, project)
		if err != nil {
			return nil, nil, errors.Join(err, done())
		}
		host, done = at, func() error { return errors.Join(stop(), project.root.Close()) }
	}
	repo, err := plan.Repository(project.config, host)
	if err != nil {
		return nil, nil, errors.Join(misuse(err), done())
	}
	return &shelf{project: project, repo: repo}, done, nil
}

// resolve finds the digest of an image: a reference, a digest alone, or a
// channel or tag of the project's repository.
func (s *shelf) resolve(ctx context.Context, text string) (name.Digest, error) {
	switch {
	case strings.HasPrefix(text, "sha256:"):
		text = s.repo.Name() + "@" + text
	case !strings.ContainsAny(text, "/:@"):
		text = s.repo.Tag(text).Name()
	}
	return resolve(ctx, text, s.keys)
}

// resolve asks the registry for the digest of a reference.
func resolve(ctx context.Context, text string, keys authn.Keychain) (name.Digest, error) {
	ref, err := name.ParseReference(text)
	if err != nil {
		return name.Digest{}, misuse(fmt.Errorf("image %q: %w", text, err))
	}
	if d, ok := ref.(name.Digest); ok {
		return d, nil
	}
	desc, err := remote.Head(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(keys))
	if err != nil {
		return name.Digest{}, fmt.Errorf("looking for image %q: %w", text, err)
	}
	return ref.Context().Digest(desc.Digest.String()), nil
}

// channel is what the config says about a channel.
func (s *shelf) channel(name string) (plan.Channel, error) {
	c, err := plan.ChannelOf(s.config, name)
	if err != nil {
		return c, misuse(hint.Wrap(err, "the config has "+strings.Join(s.channels(), ", ")))
	}
	return c, nil
}

func (s *shelf) channels() []string {
	return slices.Sorted(maps.Keys(s.config.Channels))
}
