package leftover

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

// setting is one text of the image's config.
type setting struct {
	where string
	text  string
	line  int
}

// config searches the config of the image. That of the base is part of it.
func (s *scanner) config(ctx context.Context, image v1.Image) error {
	if image == nil {
		return errors.New("found no image")
	}
	file, err := image.ConfigFile()
	if err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	for _, set := range settings(file) {
		hits, err := s.text(ctx, set.text, set.where)
		if err != nil {
			return err
		}
		where, _, err := s.clean(ctx, set.where)
		if err != nil {
			return err
		}
		s.report(hits, scan.Finding{Path: where, Line: set.line})
	}
	return nil
}

// settings are the texts of a config, in a fixed order.
func settings(file *v1.ConfigFile) []setting {
	const root = "image config: "
	var all []setting
	add := func(where, text string, line int) {
		if text != "" {
			all = append(all, setting{where: root + where, text: text, line: line})
		}
	}
	for _, e := range file.Config.Env {
		add(strings.TrimSpace("env "+key(e)), e, 0)
	}
	for _, key := range slices.Sorted(maps.Keys(file.Config.Labels)) {
		add("label "+key, key+"="+file.Config.Labels[key], 0)
	}
	add("entrypoint", strings.Join(file.Config.Entrypoint, " "), 0)
	add("cmd", strings.Join(file.Config.Cmd, " "), 0)
	add("shell", strings.Join(file.Config.Shell, " "), 0)
	add("onbuild", strings.Join(file.Config.OnBuild, "\n"), 0)
	if file.Config.Healthcheck != nil {
		add("healthcheck", strings.Join(file.Config.Healthcheck.Test, " "), 0)
	}
	for i, h := range file.History {
		add("history", strings.Join([]string{h.CreatedBy, h.Comment, h.Author}, "\n"), i+1)
	}
	return all
}

// key is the name of a variable, "" when it is not written like one: what
// stands there could be anything.
func key(variable string) string {
	name, _, ok := strings.Cut(variable, "=")
	if !ok || chars(alnum+"_.-").run([]byte(name)) < len(name) {
		return ""
	}
	return name
}
