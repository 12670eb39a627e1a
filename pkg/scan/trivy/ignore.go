package trivy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/purl"
	"github.com/aquasecurity/trivy/pkg/result"
	"github.com/bmatcuk/doublestar/v4"
	"gopkg.in/yaml.v3"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/scan"
)

// maxRules bounds an ignore file and a VEX file.
const maxRules = 16 << 20 // bytes

// ignoreRules is an ignore file: what counts, and what no longer does.
type ignoreRules struct {
	name    string
	config  result.IgnoreConfig // trivy's form, without the expired
	expired []scan.Skip
}

// read returns the file's bytes.
func (f File) read() ([]byte, error) {
	r, err := f.Root.Open(f.Name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxRules+1))
	if err == nil && len(data) > maxRules {
		err = fmt.Errorf("reading %q: it has more than %d bytes", f.Name, maxRules)
	}
	return data, err
}

// readIgnore reads an ignore file in trivy's two formats, more strictly than
// trivy: it takes a misspelt key for nothing, a misspelt date for a line that
// is not there, and a missing file for an empty one.
func readIgnore(ctx context.Context, f File) (*ignoreRules, error) {
	rules := &ignoreRules{name: f.Name}
	if f.Name == "" {
		return rules, nil
	}
	data, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("reading ignore file: %w", err)
	}
	parse := parseIgnoreLines
	if ext := path.Ext(f.Name); ext == ".yaml" || ext == ".yml" {
		parse = parseIgnoreYAML
	}
	if rules.config, err = parse(data); err != nil {
		return nil, fmt.Errorf("reading ignore file %q: %w", f.Name, err)
	}
	rules.config.FilePath = f.Name
	rules.prune(clock.Now(ctx))
	return rules, nil
}

// prune moves what expired before now to r.expired, once for each.
func (r *ignoreRules) prune(now time.Time) {
	for _, list := range []*result.IgnoreFindings{&r.config.Vulnerabilities, &r.config.Misconfigurations, &r.config.Secrets, &r.config.Licenses} {
		var live result.IgnoreFindings
		for _, entry := range *list {
			if entry.ExpiredAt.IsZero() || !entry.ExpiredAt.Before(now) {
				live = append(live, entry)
				continue
			}
			skip := scan.Skip{Path: r.name, Reason: oneLine(fmt.Sprintf("the entry for %s expired after %s and suppresses nothing", entry.ID, lastDay(entry.ExpiredAt)), maxDetail)}
			if !slices.Contains(r.expired, skip) {
				r.expired = append(r.expired, skip)
			}
		}
		*list = live
	}
}

// lastDay is the last day on which an entry counts: trivy's date is the
// midnight at which that day has ended.
func lastDay(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Add(-time.Nanosecond).UTC().Format(time.DateOnly)
}

// parseIgnoreLines reads lines of ID [exp:YYYY-MM-DD] [# reason].
func parseIgnoreLines(data []byte) (result.IgnoreConfig, error) {
	var entries result.IgnoreFindings
	for i, line := range strings.Split(string(data), "\n") {
		rule, reason, _ := strings.Cut(line, "#")
		fields := strings.Fields(rule)
		if len(fields) == 0 {
			continue
		}
		entry := result.IgnoreFinding{ID: fields[0], Statement: oneLine(reason, maxDetail)}
		for _, field := range fields[1:] {
			date, ok := strings.CutPrefix(field, "exp:")
			if !ok || !entry.ExpiredAt.IsZero() {
				return result.IgnoreConfig{}, fmt.Errorf("line %d: found %q, expected an ID, and exp:YYYY-MM-DD or nothing", i+1, field)
			}
			var err error
			if entry.ExpiredAt, err = time.Parse(time.DateOnly, date); err != nil {
				return result.IgnoreConfig{}, fmt.Errorf("line %d: found the date %q, expected exp:YYYY-MM-DD", i+1, date)
			}
		}
		entries = append(entries, entry)
	}
	return result.IgnoreConfig{
		Vulnerabilities: entries, Misconfigurations: slices.Clone(entries), Secrets: slices.Clone(entries), Licenses: slices.Clone(entries),
	}, nil
}

// parseIgnoreYAML reads lists of entries below the four keys that trivy knows.
func parseIgnoreYAML(data []byte) (config result.IgnoreConfig, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return config, nil
		}
		return config, plain(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return config, errors.New("found a second document, of which nothing would count, expected one")
	}
	lists := map[string]*result.IgnoreFindings{
		"vulnerabilities": &config.Vulnerabilities, "misconfigurations": &config.Misconfigurations,
		"secrets": &config.Secrets, "licenses": &config.Licenses,
	}
	names := []string{"vulnerabilities", "misconfigurations", "secrets", "licenses"}
	err = fields(document.Content[0], names, func(key string, value *yaml.Node) error {
		if value.Tag == "!!null" {
			return nil
		}
		if value.Kind != yaml.SequenceNode {
			return fmt.Errorf("line %d: found no list below %q, expected one", value.Line, key)
		}
		for _, item := range value.Content {
			entry, err := ignoreEntry(item)
			if err != nil {
				return err
			}
			*lists[key] = append(*lists[key], entry)
		}
		return nil
	})
	return config, err
}

// fields walks a mapping whose keys must be among names.
func fields(node *yaml.Node, names []string, each func(key string, value *yaml.Node) error) error {
	if node.Tag == "!!null" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: found no mapping, expected one with some of the keys %q", node.Line, names)
	}
	seen := make(map[string]bool)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := key.Value
		if !slices.Contains(names, name) {
			err := fmt.Errorf("line %d: found the key %q, expected one of %q", key.Line, oneLine(name, 40), names)
			if near := hint.Near(name, names); len(near) > 0 {
				err = hint.Wrap(err, fmt.Sprintf("did you mean %q?", near[0]))
			}
			return err
		}
		if seen[name] {
			return fmt.Errorf("line %d: found the key %q twice in one entry", key.Line, name)
		}
		seen[name] = true
		if value.Kind == yaml.AliasNode {
			return fmt.Errorf("line %d: found an alias, expected a value", value.Line)
		}
		if err := each(name, value); err != nil {
			return err
		}
	}
	return nil
}

// ignoreEntry reads one entry.
func ignoreEntry(node *yaml.Node) (entry result.IgnoreFinding, err error) {
	err = fields(node, []string{"id", "paths", "purls", "expired_at", "statement"}, func(key string, value *yaml.Node) error {
		switch key {
		case "id":
			return decode(value, &entry.ID)
		case "statement":
			return decode(value, &entry.Statement)
		case "paths":
			if err := decode(value, &entry.Paths); err != nil {
				return err
			}
			for _, pattern := range entry.Paths {
				if !doublestar.ValidatePattern(pattern) {
					return fmt.Errorf("line %d: found the path %q, expected a pattern such as usr/lib/**", value.Line, pattern)
				}
			}
		case "purls":
			var list []string
			if err := decode(value, &list); err != nil {
				return err
			}
			for _, text := range list {
				parsed, err := purl.FromString(text)
				if err != nil {
					return fmt.Errorf("line %d: found the package %q, expected a package URL such as pkg:pypi/torch: %w", value.Line, text, err)
				}
				entry.PURLs = append(entry.PURLs, parsed)
			}
		case "expired_at":
			if value.Tag != "!!timestamp" || value.Decode(&entry.ExpiredAt) != nil || entry.ExpiredAt.IsZero() {
				return fmt.Errorf("line %d: found the date %q for expired_at, expected one such as 2026-12-31, without quotes", value.Line, oneLine(value.Value, 40))
			}
		}
		return nil
	})
	if err == nil && entry.ID == "" {
		err = fmt.Errorf("line %d: found an entry without id, expected id: CVE-…", node.Line)
	}
	return entry, err
}

func decode(value *yaml.Node, to any) error {
	if err := value.Decode(to); err != nil {
		return plain(err)
	}
	return nil
}

// plain is a YAML error without its line breaks and the name of its library.
func plain(err error) error {
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(oneLine(err.Error(), maxDetail), "yaml: "), "unmarshal errors: "))
}
