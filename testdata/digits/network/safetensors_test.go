package network_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/testdata/digits/network"
)

// container puts a header and data together as a safetensors file.
func container(header string, data []byte) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(file, header...), data...)
}

func floats(values ...float32) []byte {
	var data []byte
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return data
}

func TestReadTensors(t *testing.T) {
	header := `{"__metadata__":{"name":"x"},` +
		`"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},` +
		`"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}  `
	got, err := network.ReadTensors(bytes.NewReader(container(header, floats(1, -2.5, 3))))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]network.Tensor{
		"a": {Shape: []int{1, 2}, Data: []float32{1, -2.5}},
		"b": {Shape: []int{1}, Data: []float32{3}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadTensors: -want +got\n%s", diff)
	}
}

func TestReadTensorsRefuses(t *testing.T) {
	const one = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	a := func(entry string) []byte { return container(`{"a":`+entry+`}`, floats(1)) }
	two := func(first, second string) []byte {
		return container(`{"a":{"dtype":"F32","shape":[1],"data_offsets":`+first+`},`+
			`"b":{"dtype":"F32","shape":[1],"data_offsets":`+second+`}}`, floats(1, 2))
	}
	var many []string
	for i := range 33 {
		many = append(many, `"`+strings.Repeat("n", i+1)+`":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`)
	}
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	for _, tc := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "file has 0 bytes"},
		{"length of the header cut", []byte("1234567"), "file has 7 bytes"},
		{"header longer than the file", container(one, floats(1))[:20], "the file has 12 left"},
		{"header length overflows", append(huge, one...), "header of 18446744073709551615 bytes"},
		{"header above the limit", container(strings.Repeat(" ", 65<<10), nil), "at most 65536 are read"},
		{"file above the limit", make([]byte, 4<<20+1), "longer than 4194304 bytes"},
		{"header empty", container("", nil), `does not begin with "{"`},
		{"header begins with a space", container(" "+one, floats(1)), `does not begin with "{"`},
		{"header is cut", container(one[:30], floats(1)), "parsing header"},
		{"header is not closed", container(one[:len(one)-1], floats(1)), "parsing header"},
		{"no object", container("{]", nil), "parsing header"},
		{"something after the header", container(one+"{}", floats(1)), "2 bytes after its end"},
		{"a name twice", container(one[:len(one)-1]+","+one[1:], floats(1)), `name "a" stands twice`},
		{"metadata twice", container(`{"__metadata__":{},"__metadata__":{}}`, nil), "stands twice"},
		{"metadata that is no text", container(`{"__metadata__":{"a":1}}`, nil), `entry "__metadata__"`},
		{"unknown field", a(`{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}`), `unknown field`},
		{"another type", a(`{"dtype":"F16","shape":[2],"data_offsets":[0,4]}`), `dtype is "F16"`},
		{"entry null", a(`null`), `dtype is ""`},
		{"no shape", a(`{"dtype":"F32","data_offsets":[0,4]}`), "shape has 0 dimensions"},
		{"five dimensions", a(`{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}`), "shape has 5 dimensions"},
		{"dimension zero", a(`{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`), "shape is [0]"},
		{"dimension negative", a(`{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}`), `entry "a"`},
		{"dimension a fraction", a(`{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}`), `entry "a"`},
		{"shape overflows", a(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}`), "at most 4194304 bytes"},
		{"shape overflows slowly", a(`{"dtype":"F32","shape":[65536,65536,65536,65536],"data_offsets":[0,4]}`), "at most 4194304 bytes"},
		{"no offsets", a(`{"dtype":"F32","shape":[1]}`), "data_offsets are []"},
		{"three offsets", a(`{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}`), "data_offsets are [0 4 8]"},
		{"offsets backwards", a(`{"dtype":"F32","shape":[1],"data_offsets":[4,0]}`), "data_offsets are [4 0]"},
		{"offsets and shape disagree", a(`{"dtype":"F32","shape":[2],"data_offsets":[0,4]}`), "shape [2] takes 8 bytes"},
		{"offset behind the file", a(`{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`), "tensors take 8 bytes, the file has 4"},
		{"offset near the top", a(`{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551611,18446744073709551615]}`), "want 0: ranges overlap"},
		{"same range twice", two("[0,4]", "[0,4]"), "overlap"},
		{"overlap", two("[0,4]", "[2,6]"), `tensor "b" begins at byte 2 of the data, want 4`},
		{"hole in front", a(`{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`), "leave a hole"},
		{"data left over", container(one, floats(1, 2)), "tensors take 4 bytes, the file has 8"},
		{"data cut", container(one, floats(1)[:3]), "the file has 3"},
		{"too many tensors", container("{"+strings.Join(many, ",")+"}", floats(1)), "more than 32 tensors"},
		{"NaN", container(one, floats(float32(math.NaN()))), `tensor "a": value 0 is NaN`},
		{"infinite", container(one, floats(float32(math.Inf(-1)))), "value 0 is -Inf"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := network.ReadTensors(bytes.NewReader(tc.file))
			if err == nil || !strings.Contains(err.Error(), tc.want) || got != nil {
				t.Errorf("ReadTensors = %v, %v; want an error that says %q", got, err, tc.want)
			}
		})
	}
}

func TestReadersPassErrorsOn(t *testing.T) {
	broken := errors.New("broken disk")
	if _, err := network.ReadTensors(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("ReadTensors: %v, want %v", err, broken)
	}
	if _, err := network.Read(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("Read: %v, want %v", err, broken)
	}
	if _, err := network.ReadSamples(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("ReadSamples: %v, want %v", err, broken)
	}
}

// FuzzReadTensors: whatever is read, every tensor is as long as its shape says
// and holds finite numbers, and together they are no longer than the file.
func FuzzReadTensors(f *testing.F) {
	f.Add(container(`{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]},`+
		`"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, floats(1, 2, 3)))
	f.Add(container(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, floats(1)))
	f.Add(container(`{"__metadata__":{"a":"b"}}  `, nil))
	f.Fuzz(func(t *testing.T, file []byte) {
		tensors, err := network.ReadTensors(bytes.NewReader(file))
		if err != nil {
			return
		}
		total := 0
		for name, tensor := range tensors {
			size := 1
			for _, dimension := range tensor.Shape {
				size *= dimension
			}
			if size != len(tensor.Data) {
				t.Errorf("%q: shape %v, %d values", name, tensor.Shape, len(tensor.Data))
			}
			for _, value := range tensor.Data {
				if f := float64(value); math.IsNaN(f) || math.IsInf(f, 0) {
					t.Errorf("%q holds %v", name, value)
				}
			}
			total += 4 * size
		}
		if total > len(file) {
			t.Errorf("%d bytes of tensors from a file of %d", total, len(file))
		}
	})
}
