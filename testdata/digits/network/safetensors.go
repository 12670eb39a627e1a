package network

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// Limits of a safetensors file. The digits network takes 20 KB.
const (
	maxFile       = 4 << 20  // bytes
	maxHeader     = 64 << 10 // bytes
	maxTensors    = 32
	maxDimensions = 4
)

const metadataKey = "__metadata__"

// Tensor is a dense array of finite float32 values, the last dimension
// fastest. len(Data) is the product of Shape.
type Tensor struct {
	Shape []int
	Data  []float32
}

// entry is one tensor of the header: Offsets are [begin, end) in the data.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []uint64 `json:"shape"`
	Offsets []uint64 `json:"data_offsets"`
}

// ReadTensors reads a whole safetensors file: u64 little-endian length, JSON
// header, data (https://huggingface.co/docs/safetensors, "Format"). It refuses
// what the format refuses (holes, overlaps, repeated names, a header that does
// not begin with "{") and, beyond that, every type but F32 and every value
// that is not finite. A file has at most 4 MiB, 64 KiB of header, 32 tensors.
func ReadTensors(r io.Reader) (map[string]Tensor, error) {
	file, err := readBounded(r)
	if err != nil {
		return nil, err
	}
	return parseTensors(file)
}

func readBounded(r io.Reader) ([]byte, error) {
	file, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(file) > maxFile {
		return nil, fmt.Errorf("file is longer than %d bytes", maxFile)
	}
	return file, nil
}

func parseTensors(file []byte) (map[string]Tensor, error) {
	if len(file) < 8 {
		return nil, fmt.Errorf("file has %d bytes, and the header's length alone takes 8", len(file))
	}
	length := binary.LittleEndian.Uint64(file)
	if length > maxHeader || length > uint64(len(file)-8) {
		return nil, fmt.Errorf("header of %d bytes: at most %d are read, and the file has %d left", length, maxHeader, len(file)-8)
	}
	header, data := file[8:8+length], file[8+length:]
	entries, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("parsing header: %w", err)
	}
	if err := checkCover(entries, uint64(len(data))); err != nil {
		return nil, err
	}
	tensors := make(map[string]Tensor, len(entries))
	for name, e := range entries {
		tensor, err := e.tensor(data)
		if err != nil {
			return nil, fmt.Errorf("reading tensor %q: %w", name, err)
		}
		tensors[name] = tensor
	}
	return tensors, nil
}

// parseHeader walks the object by hand, because decoding into a map would let
// the second of two equal names win silently.
func parseHeader(header []byte) (map[string]entry, error) {
	if !bytes.HasPrefix(header, []byte("{")) {
		return nil, errors.New(`does not begin with "{"`)
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	dec.DisallowUnknownFields()
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	entries, seen := make(map[string]entry), make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := token.(string) // the key of an object always is one
		if seen[name] {
			return nil, fmt.Errorf("name %q stands twice", name)
		}
		seen[name] = true
		if err := decodeEntry(dec, name, entries); err != nil {
			return nil, fmt.Errorf("entry %q: %w", name, err)
		}
		if len(entries) > maxTensors {
			return nil, fmt.Errorf("more than %d tensors", maxTensors)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if rest := strings.Trim(string(header[dec.InputOffset():]), " "); rest != "" {
		return nil, fmt.Errorf("%d bytes after its end that are no spaces", len(rest))
	}
	return entries, nil
}

func decodeEntry(dec *json.Decoder, name string, entries map[string]entry) error {
	if name == metadataKey {
		return dec.Decode(&map[string]string{})
	}
	var e entry
	if err := dec.Decode(&e); err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	entries[name] = e
	return nil
}

// check proves that the entry agrees with itself: its range holds exactly the
// values of its shape. It says nothing about the file's length.
func (e entry) check() error {
	if e.DType != "F32" {
		return fmt.Errorf("dtype is %q, want \"F32\"", e.DType)
	}
	if len(e.Shape) == 0 || len(e.Shape) > maxDimensions {
		return fmt.Errorf("shape has %d dimensions, want 1 to %d", len(e.Shape), maxDimensions)
	}
	if len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] {
		return fmt.Errorf("data_offsets are %v, want [begin, end]", e.Offsets)
	}
	size := uint64(4)
	for _, dimension := range e.Shape {
		// Both factors stay below 2^23, so that the product cannot overflow.
		if dimension == 0 || dimension > maxFile || size*dimension > maxFile {
			return fmt.Errorf("shape is %v: want dimensions above 0 and at most %d bytes", e.Shape, maxFile)
		}
		size *= dimension
	}
	if got := e.Offsets[1] - e.Offsets[0]; got != size {
		return fmt.Errorf("shape %v takes %d bytes, data_offsets %v give %d", e.Shape, size, e.Offsets, got)
	}
	return nil
}

// checkCover proves that the ranges lie side by side from 0 to size: none
// overlaps, none leaves the data, no byte is unclaimed.
func checkCover(entries map[string]entry, size uint64) error {
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := slices.Compare(entries[a].Offsets, entries[b].Offsets); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	end := uint64(0)
	for _, name := range names {
		if begin := entries[name].Offsets[0]; begin != end {
			return fmt.Errorf("tensor %q begins at byte %d of the data, want %d: ranges overlap or leave a hole", name, begin, end)
		}
		end = entries[name].Offsets[1]
	}
	if end != size {
		return fmt.Errorf("tensors take %d bytes, the file has %d after its header", end, size)
	}
	return nil
}

// tensor copies the values out of data. It needs check and checkCover before.
func (e entry) tensor(data []byte) (Tensor, error) {
	raw := data[e.Offsets[0]:e.Offsets[1]]
	t := Tensor{Data: make([]float32, len(raw)/4)}
	for _, dimension := range e.Shape {
		t.Shape = append(t.Shape, int(dimension))
	}
	for i := range t.Data {
		value := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return Tensor{}, fmt.Errorf("value %d is %v, want a finite number", i, value)
		}
		t.Data[i] = value
	}
	return t, nil
}
