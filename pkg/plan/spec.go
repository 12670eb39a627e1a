package plan

import (
	"fmt"
	"maps"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/build"
	"github.com/org/ai-ship/pkg/preset"
	"github.com/org/ai-ship/pkg/tree"
)

// spec is the build as far as it can be decided without the base.
func spec(ask Ask) (build.Spec, error) {
	c := ask.Config
	s := build.Spec{Created: ask.Created}
	if s.Created.IsZero() {
		s.Created = ask.Revision.Time
	}
	if s.Created.IsZero() {
		s.Created = time.Unix(0, 0)
	}
	for _, text := range c.Platforms {
		p, err := v1.ParsePlatform(text)
		if err != nil {
			return build.Spec{}, fmt.Errorf("platforms: %w", err)
		}
		s.Platforms = append(s.Platforms, *p)
	}
	for _, f := range c.App {
		s.App = append(s.App, tree.Copy{From: clean(f.From), To: f.To})
	}
	for _, f := range c.Models {
		s.Models = append(s.Models, tree.Copy{From: clean(f.From), To: f.To, Model: true})
	}
	tuned, err := preset.Of(c.Preset)
	if err != nil {
		return build.Spec{}, err
	}
	s.Config = build.Config{
		Entrypoint: c.Entrypoint, Command: c.Command, User: c.User, Workdir: c.Workdir,
		Env: make(map[string]string),
	}
	for _, v := range tuned.Variables {
		s.Config.Env[v.Name] = v.Value
	}
	maps.Copy(s.Config.Env, c.Env)
	for _, port := range c.Ports {
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		s.Config.Ports = append(s.Config.Ports, port)
	}
	return s, nil
}

// clean takes off what people write out of habit, ./ and a final slash.
func clean(from string) string {
	from = strings.TrimSuffix(strings.TrimPrefix(from, "./"), "/")
	if from == "" {
		return "."
	}
	return from
}
