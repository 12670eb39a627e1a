package modelfile

import (
	"archive/tar"
	"archive/zip"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sparseFile is the environment variable that makes the test binary inspect one
// file and print its peak memory, instead of running the tests.
const sparseFile = "AI_SHIP_TEST_SPARSE"

func TestMain(m *testing.M) {
	if path := os.Getenv(sparseFile); path != "" {
		os.Exit(inspectAlone(path))
	}
	os.Exit(m.Run())
}

const tenGB = 10 << 30 // bytes of numbers in each file

// holes writes zeros by leaving them out.
type holes struct{ *os.File }

func (h holes) Write(p []byte) (int, error) {
	if len(p) < 1<<16 {
		return h.File.Write(p)
	}
	_, err := h.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

// zerosTo writes n zeros.
func zerosTo(w io.Writer, n int64) error {
	b := make([]byte, 1<<20)
	for ; n > 0; n -= int64(len(b)) {
		if _, err := w.Write(b[:min(n, int64(len(b)))]); err != nil {
			return err
		}
	}
	return nil
}

// sparseFiles write a file of every format that holds large arrays, each with ten
// gigabytes in one. The ones without parameters are broken by their size.
func sparseFiles(t *testing.T) map[string]struct {
	write      func(f holes) error
	parameters int64
} {
	type file = struct {
		write      func(f holes) error
		parameters int64
	}
	text := func(parameters int64, head string, n int64, tail string) file {
		return file{func(f holes) error {
			if _, err := io.WriteString(f, head); err != nil {
				return err
			}
			if err := zerosTo(f, n); err != nil {
				return err
			}
			_, err := io.WriteString(f, tail)
			return err
		}, parameters}
	}
	// A message around a tail of n bytes that are written later.
	around := func(field uint64, before string, n int64) string {
		head := binary.AppendUvarint(nil, field<<3|2)
		return string(binary.AppendUvarint(head, uint64(int64(len(before))+n))) + before
	}
	tensor := around(5, pn(1, tenGB)+pn(2, 2)+string(binary.AppendUvarint([]byte{9<<3 | 2}, tenGB)), tenGB)
	safe := fmt.Sprintf(`{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}`, tenGB, tenGB)
	gguf := ggufFile{tensors: []string{ggufTensor("t", 24, 0, tenGB)}}.String()
	npy := npyOf(1, fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }", tenGB), "")
	storage := "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nByteStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu\x8a\x05" + le(tenGB, 5) +
		"tQK\x00\x8a\x05" + le(tenGB, 5) + "\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
	h5 := sample(t, "keras/functional.h5")
	h5 = h5[:40] + le64(uint64(len(h5))+tenGB) + h5[48:]
	return map[string]file{
		"m.safetensors":  text(tenGB, le64(uint64(len(safe)))+safe, tenGB, ""),
		"m.gguf":         text(tenGB, gguf, tenGB, ""),
		"m.npy":          text(tenGB, npy, tenGB, ""),
		"m.onnx":         text(tenGB, pn(1, 9)+around(7, tensor, tenGB), tenGB, pb(8, pn(2, 17))),
		"m.h5":           text(0, h5, tenGB, ""),
		"m.pkl":          text(0, "\x80\x04\x8e"+le64(tenGB), tenGB, "."),
		"m.joblib":       text(tenGB, "\x80\x03"+strings.TrimSuffix(wrapped{dtype: "u1", shape: "\x8a\x05" + le(tenGB, 5) + "\x85", raw: "\x01\xff"}.String(), "."), tenGB, "."),
		"m.tflite":       text(12, sample(t, "lite/dense.tflite"), tenGB, ""),
		"saved_model.pb": text(0, sample(t, "tensorflow/module/saved_model.pb"), tenGB, ""),
		"config.json":    text(0, `{"architectures":["A"],"y":"`+strings.Repeat("y", 100)+`","x":"`, tenGB, `"}`),
		"m.bin":          text(0, "", tenGB, ""),
		"m.pt": {func(f holes) error {
			return zipOf(f, zipPart{"m/data.pkl", "\x80\x02" + storage + ".", 0}, zipPart{"m/byteorder", "little", 0}, zipPart{"m/data/0", "", tenGB})
		}, tenGB},
		"m.npz": {func(f holes) error { return zipOf(f, zipPart{"a.npy", npy, tenGB}) }, tenGB},
		"m.tar": {func(f holes) error {
			w := tar.NewWriter(f)
			if err := w.WriteHeader(&tar.Header{Name: "m.npy", Mode: 0o644, Size: int64(len(npy)) + tenGB, Format: tar.FormatGNU}); err != nil {
				return err
			}
			if _, err := io.WriteString(w, npy); err != nil {
				return err
			}
			if err := zerosTo(w, tenGB); err != nil {
				return err
			}
			return w.Close()
		}, 0},
	}
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../../testdata/models/" + name) //nolint:gosec // of this repository
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// zipPart is a stored member: a text, then zeros.
type zipPart struct {
	name, text string
	zeros      int64
}

func zipOf(f holes, parts ...zipPart) error {
	w := zip.NewWriter(f)
	for _, p := range parts {
		sum := crc32.NewIEEE()
		_, _ = io.WriteString(sum, p.text)
		_ = zerosTo(sum, p.zeros)
		size := uint64(len(p.text)) + uint64(p.zeros)
		h := &zip.FileHeader{Name: p.name, Method: zip.Store, CRC32: sum.Sum32(), CompressedSize64: size, UncompressedSize64: size}
		if p.zeros > 0 { // zip64 in the local header too, which CreateRaw leaves out
			h.Extra = []byte("\x01\x00\x10\x00" + le64(size) + le64(size))
		}
		to, err := w.CreateRaw(h)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(to, p.text); err != nil {
			return err
		}
		if err := zerosTo(to, p.zeros); err != nil {
			return err
		}
	}
	return w.Close()
}

// inspectAlone prints the peak and what the file is.
func inspectAlone(path string) int {
	f, err := os.Open(path)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	info, err := f.Stat()
	if err != nil {
		fmt.Println(err)
		return 1
	}
	r, err := Inspect(context.Background(), Source{Path: filepath.Base(path), Size: info.Size(), ReaderAt: f})
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	peak, _, _ = strings.Cut(strings.TrimSpace(peak), " ")
	fmt.Printf("%s %d %s risks %d, error %v, unscanned %q", peak, r.Card.Parameters, r.Card.Format, len(r.Risks), err, r.Unscanned)
	return 0
}

// TestSparseFilesCostNoMemory: the peak is what the kernel counted for the whole
// process, the test binary with its runtime included. What fits its format is
// also read to its end.
func TestSparseFilesCostNoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector multiplies memory")
	}
	const maxPeak = 64 << 10 // KiB
	for name, file := range sparseFiles(t) {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			f, err := os.Create(path) //nolint:gosec // of this test
			if err != nil {
				t.Fatal(err)
			}
			if err := file.write(holes{f}); err != nil {
				t.Fatal(err)
			}
			at, err := f.Seek(0, io.SeekCurrent)
			if err != nil || f.Truncate(at) != nil || f.Close() != nil || at < tenGB {
				t.Fatalf("%d bytes: %v", at, err)
			}
			start := time.Now()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), sparseFile+"="+path)
			out, err := cmd.CombinedOutput()
			fields := strings.SplitN(string(out), " ", 3)
			peak, bad := strconv.Atoi(fields[0])
			if err != nil || bad != nil || len(fields) < 3 {
				t.Fatalf("%v: %s", err, out)
			}
			t.Logf("%d MiB in %v: %.200s", peak>>10, time.Since(start).Round(time.Millisecond), fields[2])
			if peak >= maxPeak {
				t.Errorf("takes %d MiB, want less than %d", peak>>10, maxPeak>>10)
			}
			if fields[1] != strconv.FormatInt(file.parameters, 10) || file.parameters > 0 && !strings.HasSuffix(fields[2], `risks 0, error <nil>, unscanned ""`) {
				t.Errorf("%s parameters, want %d: %s", fields[1], file.parameters, fields[2])
			}
		})
	}
}
