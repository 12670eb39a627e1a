package ci

import "strings"

// The escapes of workflow commands (github.com/actions/toolkit,
// packages/core/src/command.ts): what they stand for would end the data or the
// property.
var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")                         //nolint:gochecknoglobals // immutable
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C") //nolint:gochecknoglobals // immutable
)

// field is one property of a command.
type field struct{ name, value string }

// command is a workflow command's line. Fields without value are left out.
func command(name, text string, fields ...field) string {
	var b strings.Builder
	b.WriteString("::" + name)
	separator := " "
	for _, f := range fields {
		if f.value != "" {
			b.WriteString(separator + f.name + "=" + property.Replace(f.value))
			separator = ","
		}
	}
	b.WriteString("::" + data.Replace(text))
	return b.String()
}
