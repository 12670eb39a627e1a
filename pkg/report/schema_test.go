package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/org/ai-ship/pkg/internal/docschema"
	"github.com/org/ai-ship/pkg/report"
)

const schemaFile = "../../docs/report.schema.json"

func schema(t *testing.T) []byte {
	t.Helper()
	s, err := docschema.Of(&report.Report{}, "ai-ship report", "What ai-ship run --json prints and ai-ship-out/report.json holds.")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchemaIsCurrent(t *testing.T) {
	if *update {
		if err := os.MkdirAll(filepath.Dir(schemaFile), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, schemaFile, schema(t))
}

func TestDocumentsMatchTheSchema(t *testing.T) {
	s := schema(t)
	all := fixtures()
	all["zero"] = report.Report{}
	for name, r := range all {
		var b bytes.Buffer
		if err := report.JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		if err := docschema.Validate(s, b.Bytes()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := docschema.Validate(s, []byte(`{"schema": 1}`)); err == nil {
		t.Error("a document without its fields is valid")
	}
}
