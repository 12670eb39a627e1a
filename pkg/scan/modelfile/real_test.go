package modelfile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/modelfile"
)

// Files that the real packages wrote (testdata/models and the scripts there):
// the ordinary ones give no risk of high or above and are read to their end, the
// evil ones give one, or cannot be read.
func TestRealFiles(t *testing.T) {
	benign, evil := 0, 0
	for _, folder := range []string{"gguf", "keras", "lite", "onnx", "safetensors"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "testdata", "models", folder, "*.*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", folder, files, err)
		}
		for _, file := range files {
			name := filepath.Base(file)
			t.Run(folder+"/"+name, func(t *testing.T) {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				report, err := modelfile.Inspect(t.Context(), modelfile.Source{Path: name, Size: int64(len(data)), ReaderAt: bytes.NewReader(data)})
				if err != nil {
					t.Fatal(err)
				}
				var high []string
				for _, r := range report.Risks {
					if r.Severity >= scan.High {
						high = append(high, fmt.Sprintf("%s %s %s", r.Rule, r.Calls, r.Why))
					}
				}
				bad := len(high) > 0 || report.Unscanned != ""
				if strings.HasPrefix(name, "evil") {
					evil++
					if !bad {
						t.Errorf("nothing found, card %+v, risks %+v", report.Card, report.Risks)
					}
					return
				}
				benign++
				if bad {
					t.Errorf("unscanned %q, high risks %q", report.Unscanned, high)
				}
			})
		}
	}
	if benign < 30 || evil < 4 {
		t.Errorf("%d benign and %d evil files", benign, evil)
	}
}
