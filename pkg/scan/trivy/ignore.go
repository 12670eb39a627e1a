package trivy

import (
	"context"
	"fmt"
	"io"

	"github.com/aquasecurity/trivy/pkg/clock"
	"github.com/aquasecurity/trivy/pkg/purl"
	"github.com/aquasecurity/trivy/pkg/result"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/ignore"
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

// readIgnore reads an ignore file strictly, and gives its rules trivy's form.
func readIgnore(ctx context.Context, f File) (*ignoreRules, error) {
	if f.Name == "" {
		return &ignoreRules{}, nil
	}
	data, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("reading ignore file: %w", err)
	}
	parsed, err := ignore.Parse(f.Name, data)
	if err != nil {
		return nil, fmt.Errorf("reading ignore file %q: %w", f.Name, err)
	}
	live, ended := parsed.Prune(clock.Now(ctx))
	rules := &ignoreRules{name: f.Name}
	for _, rule := range ended {
		rules.expired = append(rules.expired, scan.Skip{Path: f.Name, Reason: oneLine(
			fmt.Sprintf("the entry for %s expired after %s and suppresses nothing", rule.ID, ignore.LastDay(rule.Ends)), maxDetail)})
	}
	if rules.config, err = trivyRules(live); err != nil {
		return nil, fmt.Errorf("reading ignore file %q: %w", f.Name, err)
	}
	rules.config.FilePath = f.Name
	return rules, nil
}

// trivyRules are the rules as trivy applies them.
func trivyRules(rules ignore.Rules) (config result.IgnoreConfig, err error) {
	for _, list := range []struct {
		to   *result.IgnoreFindings
		from []ignore.Rule
	}{
		{&config.Vulnerabilities, rules.Vulnerabilities}, {&config.Misconfigurations, rules.Misconfigurations},
		{&config.Secrets, rules.Secrets}, {&config.Licenses, rules.Licenses},
	} {
		for _, rule := range list.from {
			entry := result.IgnoreFinding{ID: rule.ID, Paths: rule.Paths, ExpiredAt: rule.Ends, Statement: rule.Reason}
			for _, text := range rule.Packages {
				parsed, err := purl.FromString(text)
				if err != nil {
					return result.IgnoreConfig{}, err
				}
				entry.PURLs = append(entry.PURLs, parsed)
			}
			*list.to = append(*list.to, entry)
		}
	}
	return config, nil
}
