package modelfile

import (
	"bytes"
	"context"
	"path"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/org/ai-ship/pkg/scan"
)

const convertSaved = "Export the model without these operators, or to ONNX."

// inspectSavedModel walks TensorFlow's protobuf files: saved_model.pb, and beside
// it keras_metadata.pb, frozen graphs, and fingerprint.pb, which have other messages
// at their top. Graphs and functions are looked through for operators that reach
// files, the network or Python.
func inspectSavedModel(ctx context.Context, in *input) {
	in.card.Format, in.card.Framework = SavedModel, "tensorflow"
	s := &saved{proto: newProto(ctx, in)}
	var top topLevel
	graph := newScope(s)
	ok := s.message(in.Size, func(f protoField) {
		top.note(f)
		switch {
		case top.kind == "model" && f.isBytes(2):
			s.message(f.end, s.metaGraph)
		case top.kind == "graph":
			graph.field(f)
		}
	})
	graph.done()
	if !ok && in.alive(ctx) {
		in.unscanned("the protobuf at offset %d: %s", s.off, s.broken)
	}
	if reason := top.doubt(in.name()); reason != "" && ok {
		in.unscanned("%s", reason)
	}
}

// topLevel is which message a file is.
type topLevel struct {
	kind                  string // model or graph
	version, nodes, other bool   // what was in field 1 and 2
}

// note decides by the first field: SavedModel has a number (1) or MetaGraphs (2)
// there, a fingerprint only numbers, GraphDef and Keras' SavedMetadata messages (1).
func (t *topLevel) note(f protoField) {
	t.version = t.version || f.isNumber(1)
	t.nodes = t.nodes || f.isBytes(1)
	t.other = t.other || f.isBytes(2)
	switch {
	case t.kind != "":
	case t.nodes:
		t.kind = "graph"
	case t.version, t.other:
		t.kind = "model"
	}
}

// doubt is why a loader may have read the file as another message than was done here.
func (t *topLevel) doubt(name string) string {
	switch {
	case t.kind == "":
		return "it is no protobuf of TensorFlow"
	case t.version && t.nodes:
		return "the protobuf is a SavedModel and a graph at once"
	case t.kind == "model" && !t.version:
		return "the SavedModel has no schema version"
	case t.kind == "graph" && strings.EqualFold(path.Base(name), "saved_model.pb"):
		return "the SavedModel is something else"
	}
	return ""
}

type saved struct{ *proto }

// metaGraph is MetaGraphDef (tensorflow/core/protobuf/meta_graph.proto).
func (s *saved) metaGraph(f protoField) {
	switch {
	case f.isBytes(1):
		s.message(f.end, func(info protoField) {
			if info.isBytes(5) {
				s.in.card.Version = shown(s.text(info), 60)
			}
		})
	case f.isBytes(2):
		g := newScope(s)
		s.message(f.end, g.field)
		g.done()
	case f.isBytes(6):
		at := s.off
		s.message(f.end, func(asset protoField) {
			if asset.isBytes(2) && escapes(s.text(asset)) {
				s.in.risk(Risk{Rule: "tf-asset-path", Severity: scan.High, Offset: at, Calls: s.text(asset), Convert: convertSaved,
					Why: "An asset of the model is a file outside of its folder."})
			}
		})
	case f.isBytes(7): // SavedObjectGraph: nodes (1), of which user objects (4) have metadata (3)
		s.message(f.end, func(node protoField) {
			if node.isBytes(1) {
				s.message(node.end, func(object protoField) {
					if object.isBytes(4) {
						s.message(object.end, func(user protoField) { s.keras(user, 3) })
					}
				})
			}
		})
	}
}

// keras reads the description of a Keras layer in field n.
func (s *saved) keras(f protoField, n protowire.Number) {
	size := f.end - s.off
	if !f.isBytes(n) || size == 0 {
		return
	}
	if size > maxKerasText {
		s.in.unscanned("the description of a layer has %d bytes, the limit is %d", size, maxKerasText)
		return
	}
	if text := s.in.at(s.off, int(size)); isObject(text) {
		kerasAt(s.in, text, s.off)
	}
}

// isObject reports whether a text begins as a JSON object.
func isObject(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{"))
}

// scope is a graph or function, in which nodes refer to each other by name.
type scope struct {
	*saved
	constants map[string]bool
	paths     []tfUse // what reads or writes checkpoints
}

// tfUse is a node that was seen.
type tfUse struct {
	op, from string // and the node that gives it its path
	at       int64
}

const maxScope = 10_000 // nodes that are remembered by name in a graph or function

func newScope(s *saved) *scope {
	return &scope{saved: s, constants: map[string]bool{}}
}

// field is one of GraphDef: nodes (1) and the library (2).
func (g *scope) field(f protoField) {
	switch {
	case f.isBytes(1):
		g.node(f)
	case f.isBytes(2):
		g.message(f.end, func(function protoField) {
			if !function.isBytes(1) {
				return
			}
			inner := newScope(g.saved)
			g.message(function.end, func(n protoField) {
				if n.isBytes(3) {
					inner.node(n)
				}
			})
			inner.done()
		})
	}
}

// node is NodeDef: name (1), op (2), inputs (3), attributes (5). In Keras'
// SavedMetadata there is a description in the place of attributes.
func (g *scope) node(f protoField) {
	at, name, op, first, output := g.off, "", "", "", ""
	g.message(f.end, func(n protoField) {
		switch {
		case n.isBytes(1):
			name = g.text(n)
		case n.isBytes(2):
			op = g.text(n)
		case n.isBytes(3) && first == "":
			first = g.text(n)
		case n.isBytes(5) && isObject(g.peek(int(min(n.end-g.off, window)))):
			g.keras(n, 5)
		case n.isBytes(5):
			if key, value := g.attribute(n); oneOf(key, "output_stream descriptor_source") {
				output = value
			}
		}
	})
	if strings.HasPrefix(output, "file:") {
		op += " " + output
	}
	g.operator(op, at)
	if op == "Const" && len(g.constants) < maxScope {
		g.constants[name] = true
	}
	if oneOf(op, "Save SaveV2 SaveSlices Restore RestoreV2 RestoreSlice") && len(g.paths) < maxScope {
		first, _, _ = strings.Cut(strings.TrimPrefix(first, "^"), ":")
		g.paths = append(g.paths, tfUse{op, first, at})
	}
}

// attribute is the key of a node's attribute, and its value if that is a text.
func (g *scope) attribute(f protoField) (key, value string) {
	g.message(f.end, func(e protoField) {
		switch {
		case e.isBytes(1):
			key = g.text(e)
		case e.isBytes(2): // perhaps before the key
			g.message(e.end, func(v protoField) {
				if v.isBytes(2) && v.end-g.off <= maxProtoText {
					value = g.text(v)
				}
			})
		}
	})
	return key, value
}

// operator judges one by its name.
func (g *scope) operator(op string, at int64) {
	r := Risk{Rule: "tf-operator", Offset: at, Calls: op, Convert: convertSaved}
	op = strings.TrimPrefix(op, "Experimental")
	switch {
	case oneOf(op, "PyFunc EagerPyFunc PyFuncStateless"):
		r.Severity, r.Why = scan.High, "The operator calls a Python function in the process that runs the model."
	case oneOf(op, "ReadFile WriteFile MatchingFiles DatasetToTFRecord SaveDataset SaveDatasetV2 LoadDataset "+
		"MatchingFilesDataset WholeFileReader WholeFileReaderV2 DeleteRpcFutureResource RpcCall RpcServer RpcClient Rpc TryRpc "+
		"DataServiceDataset DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 RegisterDataset RegisterDatasetV2 "+
		"DistributedSave SqlDataset LoadAndRemapMatrix GenerateVocabRemapping") || strings.HasPrefix(op, "PrintV2 file:"):
		r.Severity, r.Why = scan.High, "The operator reads, writes or lists files, or reaches the network, when the model is used."
	case oneOf(op, "TFRecordDataset TextLineDataset FixedLengthRecordDataset FixedLengthRecordDatasetV2 CreateSummaryFileWriter "+
		"DebugIdentity DebugIdentityV2 DebugIdentityV3 SnapshotDataset SnapshotDatasetV2 TFRecordReader TFRecordReaderV2 TextLineReader TextLineReaderV2 "+
		"TFRecordDatasetV2 CSVDataset CSVDatasetV2 LMDBDataset LMDBReader FixedLengthRecordReader FixedLengthRecordReaderV2 CacheDataset CacheDatasetV2 "+
		"CreateSummaryDbWriter ImportEvent DebugNanCount DebugNumericSummary DebugNumericSummaryV2 DecodeProtoV2 EncodeProto "+
		"SnapshotDatasetReader SnapshotNestedDatasetReader ListSnapshotChunksDataset SnapshotChunkDataset FileSystemSetConfiguration"):
		r.Severity, r.Why = scan.Medium, "The operator reads or writes files that the model names, when that part of it is used."
	case strings.Contains(op, ">"):
		r.Rule, r.Severity, r.Why = "tf-custom-op", scan.Medium, "The operator is not TensorFlow's own: a library must be loaded that brings it."
	default:
		return
	}
	g.in.risk(r)
}

// done reports checkpoints whose path the graph itself gives.
func (g *scope) done() {
	for _, u := range g.paths {
		if g.constants[u.from] {
			g.in.risk(Risk{Rule: "tf-constant-path", Severity: scan.Low, Offset: u.at, Calls: u.op, Convert: convertSaved,
				Why: "The graph reads or writes a checkpoint at a path of its own, not one that the loader gives."})
		}
	}
}
