package ignore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/package-url/packageurl-go"
	"gopkg.in/yaml.v3"

	"github.com/org/ai-ship/pkg/hint"
)

// Parse reads a file's content: YAML if name ends with .yaml or .yml, lines if
// not.
func Parse(name string, data []byte) (Rules, error) {
	parse := parseLines
	if ext := path.Ext(name); ext == ".yaml" || ext == ".yml" {
		parse = parseYAML
	}
	rules, err := parse(data)
	if err != nil {
		return Rules{}, err
	}
	return rules, nil
}

// parseLines reads lines of ID [exp:YYYY-MM-DD] [# reason].
func parseLines(data []byte) (Rules, error) {
	var list []Rule
	for i, line := range strings.Split(string(data), "\n") {
		rule, reason, _ := strings.Cut(line, "#")
		fields := strings.Fields(rule)
		if len(fields) == 0 {
			continue
		}
		entry := Rule{ID: fields[0], Reason: strings.TrimSpace(reason)}
		for _, field := range fields[1:] {
			date, ok := strings.CutPrefix(field, "exp:")
			if !ok || !entry.Ends.IsZero() {
				return Rules{}, fmt.Errorf("line %d: found %q, expected an ID, and exp:YYYY-MM-DD or nothing", i+1, field)
			}
			var err error
			if entry.Ends, err = time.Parse(time.DateOnly, date); err != nil || entry.Ends.IsZero() {
				return Rules{}, fmt.Errorf("line %d: found the date %q, expected exp:YYYY-MM-DD", i+1, date)
			}
		}
		list = append(list, entry)
	}
	// Which scanner an ID is of is not said.
	return Rules{list, slices.Clone(list), slices.Clone(list), slices.Clone(list)}, nil
}

// parseYAML reads lists of entries below the four keys that trivy knows.
func parseYAML(data []byte) (rules Rules, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); err != nil {
		if errors.Is(err, io.EOF) {
			return rules, nil
		}
		return rules, plain(err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return rules, errors.New("found a second document, of which nothing would count, expected one")
	}
	lists := map[string]*[]Rule{
		"vulnerabilities": &rules.Vulnerabilities, "misconfigurations": &rules.Misconfigurations,
		"secrets": &rules.Secrets, "licenses": &rules.Licenses,
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
			entry, err := parseRule(item)
			if err != nil {
				return err
			}
			*lists[key] = append(*lists[key], entry)
		}
		return nil
	})
	return rules, err
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
			err := fmt.Errorf("line %d: found the key %.40q, expected one of %q", key.Line, name, names)
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

// parseRule reads one entry.
func parseRule(node *yaml.Node) (entry Rule, err error) {
	err = fields(node, []string{"id", "paths", "purls", "expired_at", "statement"}, func(key string, value *yaml.Node) error {
		switch key {
		case "id":
			return decode(value, &entry.ID)
		case "statement":
			return decode(value, &entry.Reason)
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
			if err := decode(value, &entry.Packages); err != nil {
				return err
			}
			for _, text := range entry.Packages {
				if _, err := packageurl.FromString(text); err != nil {
					return fmt.Errorf("line %d: found the package %q, expected a package URL such as pkg:pypi/torch: %w", value.Line, text, err)
				}
			}
		case "expired_at":
			if value.Tag != "!!timestamp" || value.Decode(&entry.Ends) != nil || entry.Ends.IsZero() {
				return fmt.Errorf("line %d: found the date %.40q for expired_at, expected one such as 2026-12-31, without quotes", value.Line, value.Value)
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
	return errors.New(strings.TrimPrefix(strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: "), "unmarshal errors: "))
}
