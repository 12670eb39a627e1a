package testreport_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/testreport"
)

// memoryCase is the environment variable that makes the test binary read one
// report and print its peak memory, instead of running the tests.
const memoryCase = "AI_SHIP_TEST_MEMORY"

func TestMain(m *testing.M) {
	if name := os.Getenv(memoryCase); name != "" {
		os.Exit(readAlone(name))
	}
	os.Exit(m.Run())
}

// endless repeats a text without end.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at%len(e.text)]
		e.at++
	}
	return len(p), nil
}

// large are reports at the limits: refused by size, or valid and 30 MiB.
func large() map[string]func() (io.Reader, error) {
	sparse := func(head string, size int64) func() (io.Reader, error) {
		return func() (io.Reader, error) {
			f, err := os.CreateTemp(os.Getenv("TMPDIR"), "report")
			if err != nil {
				return nil, err
			}
			os.Remove(f.Name()) // it stays open
			if _, err := f.WriteString(head); err != nil {
				return nil, err
			}
			if err := f.Truncate(size); err != nil {
				return nil, err
			}
			_, err = f.Seek(0, io.SeekStart)
			return f, err
		}
	}
	repeated := func(head, item, tail string, n int) func() (io.Reader, error) {
		return func() (io.Reader, error) {
			return io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{text: item}, int64(n*len(item))), strings.NewReader(tail)), nil
		}
	}
	const mib = 1 << 20
	return map[string]func() (io.Reader, error){
		"1 GB file":         sparse(`{"a": [`, 1<<30),
		"2 GB line":         sparse(`{"a": "`, 2<<30),
		"2 GB stream":       repeated(`{"a": "`, "x", `"}`, 2<<30),
		"endless CSV":       func() (io.Reader, error) { return &endless{text: "a,b\n"}, nil },
		"benchmark samples": repeated(`{"machine_info": {}, "benchmarks": [{"name": "a", "stats": {"rounds": 900000, "data": [1`, ",0.0001234567890123456789012345678", `]}}]}`, 30*mib/34),
		"one JSON text":     repeated(`{"a": 1, "b": "`, "x", `"}`, 30*mib),
		"booleans":          repeated(`{"a": 1, "b": [true`, ",true", "]}", 299_990),
		"texts":             repeated(`{"a": 1, "b": [true`, `,"0123456789abcdef0123456789"`, "]}", 299_990),
		"metrics":           repeated(`{"a": [true`, `,{"latency_p95_ms": 1, "accuracy": 12345678}`, "]}", 49_990),
		"JUnit":             repeated("<testsuite>", `<testcase classname="tests.test_a" name="test_a"><system-out>`+strings.Repeat("x", 400)+`</system-out></testcase>`, "</testsuite>", 30*mib/485),
		"CSV":               repeated("a,b\n", "0.000123456789012345678901234567,x\n", "", 30*mib/35),
		"Prometheus":        repeated("a 1\n", "# "+strings.Repeat("x", 400)+"\n", "", 30*mib/403),
	}
}

// readAlone prints the peak and what the reader said.
func readAlone(name string) int {
	r, err := large()[name]()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	report, err := testreport.ReadFile("r", r, written)
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ = strings.Cut(strings.TrimSpace(peak), " ")
	fmt.Printf("%s %d metrics, %v", peak, len(report.Metrics), err)
	return 0
}

// The peak is what the kernel counted for the whole process, the test binary
// with its runtime included.
func TestReadFileNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector multiplies memory")
	}
	for name := range large() {
		limit := 64 << 10 // KiB
		if !strings.Contains(name, "GB") && name != "endless CSV" {
			limit = 200 << 10
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), memoryCase+"="+name, "TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		text, said, _ := strings.Cut(string(bytes.TrimSpace(out)), " ")
		peak, bad := strconv.Atoi(text)
		if err != nil || bad != nil {
			t.Fatalf("%s: %v: %s", name, err, out)
		}
		t.Logf("%-18s %4d MiB: %.80s", name, peak>>10, said)
		if peak >= limit {
			t.Errorf("%s takes %d MiB, want less than %d", name, peak>>10, limit>>10)
		}
	}
}
