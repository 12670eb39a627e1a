package testreport

import (
	"bytes"
	"fmt"
	"iter"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The formats that are neither XML nor JSON, as Report.Format has them, and
// those that XML roots name.
const (
	formatCobertura    = "cobertura"
	formatCSV          = "csv"
	formatEvalResults  = "huggingface-eval-results"
	formatLocust       = "locust"
	formatMLPerf       = "mlperf"
	formatModelCard    = "huggingface-model-card"
	formatNvidia       = "nvidia-smi"
	formatPerfAnalyzer = "perf-analyzer"
	formatPrometheus   = "prometheus"
	formatTOML         = "toml"
	formatYAML         = "yaml"
)

const (
	maxHead     = 4 << 10  // bytes of a line that a format is known by
	maxComments = 64 << 10 // bytes in which Prometheus' comments are looked for

	tomlPath = `([\w-]+|"[^"]*"|'[^']*')(\s*\.\s*([\w-]+|"[^"]*"|'[^']*'))*`
)

const anything = "anything" // textFormat.closed, of what is checked otherwise

const expectedFormats = "expected XML, JSON, YAML, TOML, CSV, Prometheus text or an MLPerf log"

// textFormat is a format that is neither XML nor JSON.
type textFormat struct {
	holds string // what the file holds, for an error about its name
	is    func(body []byte) bool
	read  func(*collector, []byte) error
	// closed are the characters that end a text which has no last line break.
	// MLPerf's logs and model cards have marks of their own.
	closed string
}

// textFormats are tried in order: those with the most telling first line come
// first. is sees the text from its first character that is no space.
func textFormats() []textFormat {
	return []textFormat{
		{"an MLPerf log", isMLPerfSummary, (*collector).readMLPerfSummary, anything},
		{"an MLPerf log", isMLPerfDetail, (*collector).readMLPerfDetail, anything},
		{"a model card", isModelCard, (*collector).readModelCard, anything},
		{"TOML", isTOML, (*collector).readTOML, "\"']"},
		{"Prometheus text", isPrometheus, (*collector).readPrometheus, ""}, // the format wants the last line's end
		{"YAML", isYAML, (*collector).readYAML, "\"']}"},
		{"CSV", isCSV, (*collector).readCSV, "\""},
	}
}

// named returns an error where the extension of the report's name promises
// something else than the file holds. JSON is YAML as well.
func (c *collector) named(holds string) error {
	promised := map[string]string{".json": "JSON", ".xml": "XML", ".yaml": "YAML", ".yml": "YAML", ".csv": "CSV", ".toml": "TOML", ".prom": "Prometheus text"}
	extension := strings.ToLower(path.Ext(c.report.Path))
	want, ok := promised[extension]
	if !ok || want == holds || want == "YAML" && holds == "JSON" {
		return nil
	}
	return fmt.Errorf("is not what its name says: named %s, holds %s", extension, holds)
}

// readText reads the first of textFormats that body is.
func (c *collector) readText(data, body []byte) error {
	if kind := binary(body); kind != "" {
		return fmt.Errorf("holds %s; %s", kind, expectedFormats)
	}
	for _, f := range textFormats() {
		if !f.is(body) {
			continue
		}
		if err := c.named(f.holds); err != nil {
			return err
		}
		if !utf8.Valid(data) {
			return fmt.Errorf("line %d: is no UTF-8, expected UTF-8 text", invalidLine(data))
		}
		if err := f.read(c, data); err != nil || f.closed == anything {
			return err
		}
		return whole(data, f.closed)
	}
	line, _, _ := strings.Cut(string(body[:min(len(body), 512)]), "\n")
	return fmt.Errorf("holds text that begins with %q; %s", cut(strings.TrimSpace(line), 40), expectedFormats)
}

// whole refuses a text whose last line lacks its end, for there the last number
// may be cut off: 123.4 would be read as 12. A text that ends in one of closed
// is whole too. That whole lines are missing no reader can see; see doc.go.
func whole(data []byte, closed string) error {
	body := bytes.TrimRight(data, " \t")
	if len(body) == 0 || strings.ContainsRune("\r\n"+closed, rune(body[len(body)-1])) {
		return nil
	}
	line := 1 + bytes.Count(body, []byte("\n"))
	return fmt.Errorf("line %d: ends without a line break, so its last value may be cut off; expected one at the end of the file", line)
}

// invalidLine returns the line of the first byte that is not UTF-8.
func invalidLine(data []byte) int {
	for number, line := range numbered(data) {
		if !utf8.ValidString(line) {
			return number
		}
	}
	return 1
}

// numbered yields the lines of a text without their ends, counted from 1.
func numbered(data []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range bytes.Lines(data) {
			number++
			if !yield(number, strings.TrimRight(string(line), "\r\n")) {
				return
			}
		}
	}
}

// firstLine returns the first line that is neither empty nor a # comment, and
// of a longer one its beginning.
func firstLine(body []byte) string {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return string(line[:min(len(line), maxHead)])
		}
	}
	return ""
}

var (
	yamlLine = regexp.MustCompile(`^(---(\s|$)|%YAML\s|-\s|-$|("[^"]*"|'[^']*'|[^\s#,:{}&*!|>%@"'\[\]-][^#,:{}]*)\s*:(\s|$))`)
	tomlKey  = regexp.MustCompile(`^` + tomlPath + `\s*=`)
	tomlHead = regexp.MustCompile(`^\[\[?\s*` + tomlPath + `\s*\]\]?\s*(#.*)?$`)
	promLine = regexp.MustCompile(`^[a-zA-Z_:]([\w:]*\w)?(\s*\{.*\})?\s+([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(?i:inf|nan))(\s+-?[0-9]+)?$`)
	promType = regexp.MustCompile(`(?m)^#[ \t]+(TYPE[ \t]+\S+[ \t]+(counter|gauge|histogram|summary|untyped)|HELP[ \t]+[a-zA-Z_:][\w:]*[ \t])`)
	csvName  = regexp.MustCompile(`^[\pL_][\pL\pN_.-]*$`)
)

// isTOML wants a key as the first line, or a table whose first line is one. A
// JSON array begins like a table, but has no key after it.
func isTOML(body []byte) bool {
	first := firstLine(body)
	if tomlKey.MatchString(first) {
		return true
	}
	if !tomlHead.MatchString(first) {
		return false
	}
	for line := range bytes.Lines(body[:min(len(body), maxPlain)]) {
		line = bytes.TrimSpace(line)
		line = line[:min(len(line), maxHead)]
		if tomlKey.Match(line) {
			return true
		}
		if len(line) > 0 && line[0] != '#' && !tomlHead.Match(line) {
			return false
		}
	}
	return false
}

// isPrometheus wants a first sample, or a comment that only this format has.
func isPrometheus(body []byte) bool {
	first := firstLine(body)
	return promLine.MatchString(first) || body[0] == '#' && promType.Match(body[:min(len(body), maxComments)]) && !yamlLine.MatchString(first)
}

func isYAML(body []byte) bool {
	return yamlLine.MatchString(firstLine(body))
}

// isCSV wants a header of two columns and more, or a name over a number.
func isCSV(body []byte) bool {
	var first, second string
	for number, line := range numbered(body) {
		if number == 1 {
			first = line
		} else if second = strings.TrimSpace(line); second != "" {
			break
		}
	}
	if nvidiaHeader(first) {
		return true
	}
	if strings.Contains(first, ",") {
		return strings.Contains(second, ",") && slices.ContainsFunc(strings.Split(first, ","), csvHeader)
	}
	_, err := strconv.ParseFloat(second, 64)
	return err == nil && csvName.MatchString(strings.TrimSpace(first))
}

// csvHeader reports whether a cell could be a column's name: no number.
func csvHeader(cell string) bool {
	_, err := strconv.ParseFloat(strings.Trim(cell, `" `), 64)
	return err != nil && strings.Trim(cell, `" `) != ""
}
