package vulndb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/org/ai-ship/pkg/scan"
)

// Limits of the YAML that a fixture is made of.
const (
	maxSheet      = 128 << 10 // bytes of one file
	maxSheets     = 100
	maxAdvisories = 10_000 // of one file
	maxTitle      = 200    // bytes
)

// sheet is one YAML file: the advisories of one publisher for one ecosystem.
type sheet struct {
	Ecosystem  string     `yaml:"ecosystem"` // pip, go, maven, or a distribution and its version: debian 12
	Source     publisher  `yaml:"source"`
	SeverityBy string     `yaml:"severity-by"` // who gave the severities; default: the source's id
	Advisories []advisory `yaml:"advisories"`

	file string
}

// publisher is the data source that trivy shows with a finding.
type publisher struct {
	ID   string `yaml:"id"   json:"ID"` // trivy's name of it: ghsa, osv, debian, govulndb
	Name string `yaml:"name" json:"Name"`
	URL  string `yaml:"url"  json:"URL"`
}

// advisory is one vulnerability of one package.
type advisory struct {
	ID         string   `yaml:"id"`
	Package    string   `yaml:"package"`    // as it is searched for: of Debian the source package
	Vulnerable []string `yaml:"vulnerable"` // ranges, any of which; of a language
	Patched    []string `yaml:"patched"`    // of a language
	Fixed      string   `yaml:"fixed"`      // version of a distribution's package; "": not fixed
	Status     string   `yaml:"status"`     // of a distribution's package that is not fixed
	Severity   string   `yaml:"severity"`
	Title      string   `yaml:"title"`
	Link       string   `yaml:"link"`   // where these facts are from
	Vendor     []string `yaml:"vendor"` // the publisher's own identifiers: GHSA-…, DSA-…
	Weakness   []string `yaml:"cwe"`    // CWE-502
	Published  string   `yaml:"date"`   // YYYY-MM-DD
	Line       int      `yaml:"-"`      // of its first key
	level      scan.Severity
	published  time.Time
}

// UnmarshalYAML keeps the line, for errors about what the advisory says.
func (a *advisory) UnmarshalYAML(node ast.Node) error {
	type plain advisory
	if err := yaml.NodeToValue(node, (*plain)(a), yaml.Strict()); err != nil {
		return err
	}
	a.Line = lineOf(node.GetToken())
	return nil
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 0
	}
	return t.Position.Line
}

// readSheets reads the *.yaml files of a folder, in the order of their names.
func readSheets(dir fs.FS) ([]sheet, error) {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || len(names) > maxSheets {
		return nil, fmt.Errorf("reading advisories: found %d files *.yaml, expected 1 to %d", len(names), maxSheets)
	}
	slices.Sort(names)
	sheets := make([]sheet, 0, len(names))
	seen := make(map[string]string)
	for _, name := range names {
		s, err := readSheet(dir, name)
		if err != nil {
			return nil, fmt.Errorf("reading advisories: %w", err)
		}
		for _, a := range s.Advisories {
			key := s.bucket() + "\n" + a.Package + "\n" + a.ID
			if at, twice := seen[key]; twice {
				return nil, fmt.Errorf("reading advisories: %s:%d: %s of %s is already at %s", name, a.Line, a.ID, a.Package, at)
			}
			seen[key] = fmt.Sprintf("%s:%d", name, a.Line)
		}
		sheets = append(sheets, s)
	}
	return sheets, nil
}

func readSheet(dir fs.FS, name string) (s sheet, err error) {
	in, err := dir.Open(name)
	if err != nil {
		return sheet{}, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	data, err := io.ReadAll(io.LimitReader(in, maxSheet+1))
	if err != nil {
		return sheet{}, err
	}
	if len(data) > maxSheet {
		return sheet{}, fmt.Errorf("%s: is larger than %d KiB", name, maxSheet>>10)
	}
	return parseSheet(path.Base(name), data)
}

// parseSheet reads one file. Errors name the file and the line.
func parseSheet(name string, data []byte) (s sheet, err error) {
	defer func() { // the YAML parser is not ours
		if r := recover(); r != nil {
			s, err = sheet{}, fmt.Errorf("%s: is no YAML", name)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(&s); err != nil {
		var at yaml.Error
		if errors.As(err, &at) {
			return sheet{}, fmt.Errorf("%s:%d: %s", name, lineOf(at.GetToken()), at.GetMessage())
		}
		return sheet{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := decoder.Decode(new(sheet)); err != io.EOF {
		return sheet{}, fmt.Errorf("%s: holds more than one YAML document", name)
	}
	s.file = name
	if err := s.check(); err != nil {
		return sheet{}, fmt.Errorf("%s: %w", name, err)
	}
	for i := range s.Advisories {
		a := &s.Advisories[i]
		if err := a.check(s); err != nil {
			return sheet{}, fmt.Errorf("%s:%d: %s: %w", name, a.Line, a.ID, err)
		}
	}
	return s, nil
}

func (s *sheet) check() error {
	switch {
	case !matches(`[a-z][a-z0-9]*( [0-9][0-9.]*)?`, s.Ecosystem):
		return fmt.Errorf("ecosystem: found %q, expected such as pip, go or debian 12", s.Ecosystem)
	case !matches(`[a-z0-9-]+`, s.Source.ID):
		return fmt.Errorf("source.id: found %q, expected such as ghsa", s.Source.ID)
	case s.Source.Name == "":
		return errors.New("source.name: is missing")
	case !isLink(s.Source.URL):
		return fmt.Errorf("source.url: found %q, expected an address with https", s.Source.URL)
	case len(s.Advisories) == 0 || len(s.Advisories) > maxAdvisories:
		return fmt.Errorf("advisories: found %d, expected 1 to %d", len(s.Advisories), maxAdvisories)
	}
	if s.SeverityBy == "" {
		s.SeverityBy = s.Source.ID
	}
	if !matches(`[a-z0-9-]+`, s.SeverityBy) {
		return fmt.Errorf("severity-by: found %q, expected such as nvd", s.SeverityBy)
	}
	return nil
}

// distribution says that the packages are those of an operating system.
func (s sheet) distribution() bool { return strings.Contains(s.Ecosystem, " ") }

// bucket is where trivy looks for the advisories.
func (s sheet) bucket() string {
	if s.distribution() {
		return s.Ecosystem
	}
	return s.Ecosystem + ecosystemSplit + s.Source.Name
}

func (a *advisory) check(s sheet) error {
	switch {
	case !matches(`[A-Z]+-[0-9A-Za-z][0-9A-Za-z-]*`, a.ID):
		return fmt.Errorf("id: found %q, expected such as CVE-2024-3094", a.ID)
	case !matches(`[0-9A-Za-z][0-9A-Za-z._/~+-]*`, strings.Replace(a.Package, ":", "/", 1)):
		return fmt.Errorf("package: found %q, expected a name", a.Package)
	case s.Ecosystem == "maven" != strings.Contains(a.Package, ":"):
		return fmt.Errorf("package: found %q, expected group:artifact of maven, and no colon of others", a.Package)
	case s.Ecosystem == "pip" && a.Package != strings.ToLower(strings.ReplaceAll(a.Package, "_", "-")):
		return fmt.Errorf("package: found %q, expected it in lower case and with - for _, as it is searched for", a.Package)
	case a.Title == "" || len(a.Title) > maxTitle || strings.ContainsAny(a.Title, "\r\n"):
		return fmt.Errorf("title: expected one line of at most %d bytes", maxTitle)
	case !isLink(a.Link):
		return fmt.Errorf("link: found %q, expected an address with https", a.Link)
	}
	if err := a.level.UnmarshalText([]byte(a.Severity)); err != nil {
		return fmt.Errorf("severity: %w", err)
	}
	if a.Published != "" {
		day, err := time.Parse(time.DateOnly, a.Published)
		if err != nil {
			return fmt.Errorf("date: found %q, expected YYYY-MM-DD", a.Published)
		}
		a.published = day
	}
	if s.distribution() {
		return a.checkDistribution()
	}
	return a.checkLanguage()
}

func (a *advisory) checkDistribution() error {
	switch {
	case len(a.Vulnerable) > 0 || len(a.Patched) > 0:
		return errors.New("vulnerable, patched: are for languages; a distribution's package has fixed or status")
	case (a.Fixed == "") == (a.Status == ""):
		return errors.New("expected either fixed or status")
	case a.Fixed != "" && !matches(`([0-9]+:)?[0-9][0-9A-Za-z.+~-]*`, a.Fixed):
		return fmt.Errorf("fixed: found %q, expected a version", a.Fixed)
	case a.Status != "" && !slices.Contains(statuses(), a.Status):
		return fmt.Errorf("status: found %q, expected one of %q", a.Status, statuses())
	}
	return nil
}

func (a *advisory) checkLanguage() error {
	if a.Fixed != "" || a.Status != "" {
		return errors.New("fixed, status: are for distributions; a language's package has vulnerable and patched")
	}
	if len(a.Vulnerable) == 0 {
		return errors.New("vulnerable: is missing")
	}
	const version = `v?[0-9][0-9A-Za-z.!+-]*`
	for _, r := range a.Vulnerable {
		if !matches(`(>=|<=|<|>|=) ?`+version+`(, (>=|<=|<|>|=) ?`+version+`)*`, r) {
			return fmt.Errorf(`vulnerable: found %q, expected such as ">= 1.0, < 1.2"`, r)
		}
	}
	for _, v := range a.Patched {
		if !matches(version, v) {
			return fmt.Errorf("patched: found %q, expected a version", v)
		}
	}
	return nil
}

// statuses are trivy-db's words for what is not fixed; the index is what it
// stores.
func statuses() []string {
	return []string{
		"unknown", "not_affected", "affected", "fixed",
		"under_investigation", "will_not_fix", "fix_deferred", "end_of_life",
	}
}

func matches(pattern, text string) bool {
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(text)
}

func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
