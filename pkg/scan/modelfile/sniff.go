package modelfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// nature is one way in which a content can be read.
type nature struct {
	name    string
	is      func(context.Context, *input, []byte) bool // by content; the bytes are its head
	inspect func(context.Context, *input)
	names   []string // endings that promise this format: then it is read as such in any case
}

const maxHead = 4096 // bytes that are looked at to tell formats apart

// natures are all formats, the ones with a signature first. A content that is
// several of them is read as each.
func natures() []nature {
	return []nature{
		{"zip", isZip, inspectZip, []string{".npz", ".keras", ".zip"}},
		{"hdf5", isHDF5, inspectHDF5, []string{".h5", ".hdf5"}},
		{"gguf", starts("GGUF"), inspectGGUF, []string{".gguf"}},
		{"npy", starts("\x93NUMPY"), inspectNPY, []string{".npy"}},
		{"tflite", isTFLite, inspectTFLite, []string{".tflite"}},
		{"safetensors", isSafetensors, inspectSafetensors, []string{".safetensors"}},
		{"gzip", starts("\x1f\x8b\x08"), inspectGzip, []string{".gz", ".tgz"}},
		{"bzip2", isBzip2, inspectBzip2, []string{".bz2"}},
		{"zlib", isZlib, inspectZlib, nil},
		{"zstd", isZstd, inspectZstd, []string{".zst"}},
		{"lz4", starts("\x04\x22\x4d\x18"), inspectLZ4, []string{".lz4"}},
		{"tar", isTar, inspectTar, []string{".tar"}},
		{"closed archive", isClosed, inspectClosed, []string{".7z", ".rar", ".xz", ".lzma"}},
		{"chat template", isTemplate, inspectTemplate, nil},
		{"json", isJSON, inspectJSON, loadedJSON()},
		{"onnx", isONNX, inspectONNX, []string{".onnx"}},
		{"saved model", isSavedModel, inspectSavedModel, []string{".pb"}},
		{"pickle", isPickle, inspectPickle, []string{
			".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth", "pytorch_model.bin",
		}},
	}
}

// inspect finds out what in is and reads it as that. Content decides; a name
// only ever adds: a .safetensors that is none is read, and found broken, as one.
func inspect(ctx context.Context, in *input) {
	head := in.at(0, maxHead)
	var are []nature
	var called []string
	all := natures()
	for _, n := range all {
		if in.alive(ctx) && len(head) > 0 && n.is(ctx, in, head) {
			are = append(are, n)
			called = append(called, n.name)
		}
	}
	// A TFLite file carries its labels and documentation as a zip behind it
	// (TensorFlow Lite metadata); both are read.
	if len(are) > 1 && !slices.Equal(called, []string{"zip", "tflite"}) {
		in.polyglot(called)
	}
	if len(are) == 0 {
		are = promised(all, in.name(), head)
	}
	for i, n := range are {
		if !in.alive(ctx) {
			return
		}
		card := in.card
		if n.inspect(ctx, in); i > 0 {
			in.card = card // of the nature that comes first
		}
	}
}

// promised is the format that a name's ending stands for. Texts are called .pt and
// .pth too: page templates, and Python's lists of paths.
func promised(all []nature, name string, head []byte) []nature {
	if end := strings.ToLower(path.Ext(name)); (end == ".pt" || end == ".pth") && isPlain(head) {
		return nil
	}
	base := strings.ToLower(path.Base(strings.ReplaceAll(name, `\`, "/")))
	for _, n := range all {
		for _, end := range n.names {
			if strings.HasSuffix(base, end) {
				return []nature{n}
			}
		}
	}
	return nil
}

func starts(magic string) func(context.Context, *input, []byte) bool {
	return func(_ context.Context, _ *input, head []byte) bool {
		return bytes.HasPrefix(head, []byte(magic))
	}
}

// isHDF5 also sees a file behind a user block, whose size is a power of two
// from 512 bytes (HDF5 file format specification, III.A).
func isHDF5(_ context.Context, in *input, head []byte) bool {
	const magic = "\x89HDF\r\n\x1a\n"
	if bytes.HasPrefix(head, []byte(magic)) {
		return true
	}
	for off := int64(512); off+int64(len(magic)) <= in.Size; off *= 2 {
		if string(in.at(off, len(magic))) == magic {
			return true
		}
	}
	return false
}

// isTFLite looks for the flatbuffer's file identifier.
func isTFLite(_ context.Context, _ *input, head []byte) bool {
	return len(head) >= 8 && string(head[4:8]) == "TFL3"
}

// isSafetensors takes any header length below 2⁴⁸, so that a header that is
// longer than the file is still read as one, and found wrong.
func isSafetensors(_ context.Context, _ *input, head []byte) bool {
	const most = 1 << 48
	return len(head) > 9 && binary.LittleEndian.Uint64(head) < most && head[8] == '{' &&
		bytes.IndexByte([]byte("\"} \t\r\n"), head[9]) >= 0
}

// isPlain reports whether head is text: nothing in it but lines of characters.
func isPlain(head []byte) bool {
	for _, c := range head {
		if c < ' ' && strings.IndexByte("\t\r\n\f", c) < 0 || c == 0x7f {
			return false
		}
	}
	return true
}

// isJSON takes a text that begins as an object, and an array of objects.
func isJSON(ctx context.Context, in *input, head []byte) bool {
	const some = 64 // bytes that chance does not make a text
	for _, c := range head[:min(some, len(head))] {
		if c < ' ' && strings.IndexByte("\t\r\n", c) < 0 {
			return false
		}
	}
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	text = bytes.TrimLeft(text, " \t\r\n")
	if rest, ok := bytes.CutPrefix(text, []byte("[")); ok {
		text = bytes.TrimLeft(rest, " \t\r\n")
	}
	rest, ok := bytes.CutPrefix(text, []byte("{"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 && len(head) == maxHead { // space only, so far
		return spaceBefore(ctx, in, ok)
	}
	return ok && len(rest) > 0 && (rest[0] == '"' || rest[0] == '}')
}

// spaceBefore reports whether what stands behind a head of nothing but space, and
// perhaps a brace, goes on as an object does.
func spaceBefore(ctx context.Context, in *input, brace bool) bool {
	for off := int64(maxHead); off < in.Size && in.alive(ctx); off += window {
		for _, c := range in.at(off, window) {
			switch {
			case strings.IndexByte(" \t\r\n", c) >= 0 || c == '[' && !brace:
			case c == '{' && !brace:
				brace = true
			default:
				return brace && (c == '"' || c == '}')
			}
		}
	}
	return false
}

// isONNX walks the top level of a protobuf message and takes it for ONNX's
// ModelProto if it has a graph (7) or opsets (8) and none of its fields has another
// type. Fields that ModelProto does not have are skipped, as parsers do.
func isONNX(ctx context.Context, in *input, _ []byte) bool {
	const bytes, number = protowire.BytesType, protowire.VarintType
	fields, strange, ok := protoFields(ctx, in, map[protowire.Number]protowire.Type{
		1: number, 2: bytes, 3: bytes, 4: bytes, 5: number, 6: bytes, 7: bytes, 8: bytes, 14: bytes, 20: bytes, 25: bytes, 26: bytes,
	})
	return ok && (fields[7] > 0 && (!strange || fields[1] > 0) || fields[8] > 0 && !strange)
}

// isSavedModel does the same for TensorFlow's SavedModel: a schema version (1)
// and graphs (2).
func isSavedModel(ctx context.Context, in *input, _ []byte) bool {
	fields, strange, ok := protoFields(ctx, in, map[protowire.Number]protowire.Type{
		1: protowire.VarintType, 2: protowire.BytesType,
	})
	named := path.Base(in.name()) == "saved_model.pb"
	return ok && fields[1] > 0 && fields[2] > 0 && (!strange || named)
}

// protoFields counts the fields of in's top level; strange is whether there are
// others than these. It is false when the content is no message, has these fields
// with other types, or more than some thousand.
func protoFields(ctx context.Context, in *input, of map[protowire.Number]protowire.Type) (found map[protowire.Number]int, strange, ok bool) {
	const most = 4096 // fields of a top level
	found = map[protowire.Number]int{}
	off := int64(0)
	for n := 0; off < in.Size; n++ {
		b := in.at(off, 2*binary.MaxVarintLen64)
		number, kind, size := protowire.ConsumeTag(b)
		want, known := of[number]
		if n == most || size < 0 || known && kind != want || !in.alive(ctx) {
			return nil, false, false
		}
		found[number]++
		strange = strange || !known
		off += int64(size)
		value, more := uint64(0), 0
		switch kind {
		case protowire.VarintType, protowire.BytesType:
			if value, more = protowire.ConsumeVarint(b[size:]); more < 0 {
				return nil, false, false
			}
			if off += int64(more); kind == protowire.VarintType {
				value = 0
			}
		case protowire.Fixed32Type:
			value = 4
		case protowire.Fixed64Type:
			value = 8
		default: // groups
			return nil, false, false
		}
		if value > uint64(in.Size-off) { //nolint:gosec // off is at most Size
			return nil, false, false
		}
		off += int64(value) //nolint:gosec // at most Size
	}
	return found, strange, len(found) > 0
}
