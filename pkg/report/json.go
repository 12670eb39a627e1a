package report

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes r as an indented document that ends in a newline. The same
// report gives the same bytes. docs/report.schema.json describes it.
func JSON(w io.Writer, r Report) error {
	return document(w, r.normal())
}

// document writes indented JSON with a final newline.
func document(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // it is no web page, and people read it
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	return nil
}
