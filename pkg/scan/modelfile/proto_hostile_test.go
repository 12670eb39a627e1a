package modelfile

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// pb is a protobuf field with a text or message.
func pb(n protowire.Number, parts ...string) string {
	b := protowire.AppendTag(nil, n, protowire.BytesType)
	return string(protowire.AppendString(b, strings.Join(parts, "")))
}

// pn is a protobuf field with a number.
func pn(n protowire.Number, v uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v))
}

func onnxModel(graph string, more ...string) string {
	return pn(1, 9) + pb(2, "pytorch") + pb(7, graph) + pb(8, pb(1, ""), pn(2, 17)) + strings.Join(more, "")
}

func outsideTensor(pairs ...string) string {
	t := pn(1, 2) + pn(2, 1) + pb(8, "w") + pn(14, 1)
	for i := 0; i < len(pairs); i += 2 {
		t += pb(13, pb(1, pairs[i]), pb(2, pairs[i+1]))
	}
	return t
}

func hostileONNX() []hostile {
	at := func(name, content, want string) hostile { return hostile{"onnx: " + name, "m.onnx", content, want} }
	located := func(file string) string { return onnxModel(pb(5, outsideTensor("location", file))) }
	bad := outsideTensor("location", "/etc/passwd")
	pyop := pb(1, pb(4, "PyOp"), pb(7, "my.ops"))
	return []hostile{
		at("CVE-2022-25882, traversal", located("../../etc/passwd"), "onnx-external-path location ../../etc"),
		at("CVE-2024-27318, traversal inside", located("a/../../etc/passwd"), "onnx-external-path location a/.."),
		at("CVE-2024-5187, absolute", located("/etc/passwd"), "onnx-external-path location /etc"),
		at("backslash", located(`..\x`), "onnx-external-path location"),
		at("drive", located(`C:x`), "onnx-external-path location C"),
		at("scheme", located("http://x/y"), "onnx-external-path location http"),
		at("empty location", located(""), "onnx-external-path location"),
		at("a location longer than the limit", located(strings.Repeat("a/", 3000)+"../x"), "?a name has more than"),
		at("no location", onnxModel(pb(5, outsideTensor("offset", "0"))), "onnx-external-path no location"),
		at("location twice", onnxModel(pb(5, outsideTensor("location", "/x", "location", "w.bin"))), "onnx-external-path location /x"),
		at("negative offset", onnxModel(pb(5, outsideTensor("location", "w", "offset", "-1"))), "onnx-external-range offset -1"),
		at("overflow", onnxModel(pb(5, outsideTensor("location", "w", "offset", "9223372036854775807", "length", "9"))), "onnx-external-range length 9"),
		at("no number", onnxModel(pb(5, outsideTensor("location", "w", "length", "1e9"))), "onnx-external-range length 1e9"),
		at("a property", onnxModel(pb(5, outsideTensor("location", "w", "__class__", "x"))), "onnx-external-key __class__"),
		at("in a subgraph", onnxModel(pb(1, pb(4, "If"), pb(5, pb(6, pb(5, bad))))), "onnx-external-path location /etc"),
		at("in a constant", onnxModel(pb(1, pb(4, "Constant"), pb(5, pb(5, bad)))), "onnx-external-path location /etc"),
		at("in a function", onnxModel("", pb(25, pb(7, pb(4, "Constant"), pb(5, pb(5, bad))))), "onnx-external-path location /etc"),
		at("in a sparse tensor", onnxModel(pb(15, pb(1, bad))), "onnx-external-path location /etc"),
		at("in training", onnxModel("", pb(20, pb(1, pb(5, bad)))), "onnx-external-path location /etc"),
		at("in a second graph", onnxModel("", pb(7, pb(5, bad))), "onnx-external-path location /etc"),
		at("PyOp", onnxModel(pyop), "onnx-python-op my.ops.PyOp"),
		at("PyOp in a function", onnxModel("", pb(25, pb(7, pb(4, "PyOp")))), "onnx-python-op PyOp"),
		at("custom domain", onnxModel(pb(1, pb(4, "Run"), pb(7, "evil.ops"))), "onnx-custom-op evil.ops.Run"),
		at("custom opset", onnxModel("", pb(8, pb(1, "evil"))), "onnx-custom-op evil"),
		at("a domain like a standard one", onnxModel(pb(1, pb(4, "Run"), pb(7, "ai.onnxevil"))), "onnx-custom-op ai.onnxevil"),
		at("dimensions", onnxModel(pb(5, pn(1, 1<<62), pn(1, 4))), "?dimensions"),
		at("negative dimension", onnxModel(pb(5, pb(1, string(protowire.AppendVarint(nil, ^uint64(0)))))), "?dimensions"),
		at("no graph", pb(8, pn(2, 1)), "?no graph"),
		at("longer than the file", onnxModel("")+"\x3a\xff\xff\xff\xff\x0f", "?longer than what holds it"),
		at("a group", onnxModel("\x0b\x0c"), "?broken"),
		at("nested", onnxModel(nest(300)), "?nested too deep"),
		at("packed list", onnxModel(pb(5, pb(1, "\xff"))), "?list of numbers"),
	}
}

// nest are graphs within attributes within nodes.
func nest(n int) string {
	graph := ""
	for range n {
		graph = pb(1, pb(5, pb(6, graph)))
	}
	return graph
}

func tfNode(op string, more ...string) string {
	return pb(1, pb(1, "n"), pb(2, op), strings.Join(more, ""))
}

func savedModel(graph string, more ...string) string {
	return pn(1, 1) + pb(2, pb(1, pb(5, "2.15.0")), pb(2, graph), strings.Join(more, ""))
}

func hostileSaved() []hostile {
	at := func(name, content, want string) hostile {
		return hostile{"saved model: " + name, "saved_model.pb", content, want}
	}
	in := func(op string) hostile { return at(op, savedModel(tfNode(op)), "tf-operator "+op) }
	lambda := `{"class_name":"Lambda","config":{"function":["4wEA"]}}`
	return []hostile{
		in("PyFunc"), in("EagerPyFunc"), in("PyFuncStateless"), in("ReadFile"), in("WriteFile"), in("MatchingFiles"), in("RpcCall"), in("TFRecordDataset"),
		at("in a function", savedModel(pb(2, pb(1, pb(3, pb(2, "WriteFile"))))), "tf-operator WriteFile"),
		at("in a second graph", savedModel("")+pb(2, pb(2, tfNode("PyFunc"))), "tf-operator PyFunc"),
		at("PrintV2 into a file", savedModel(tfNode("PrintV2", pb(5, pb(1, "output_stream"), pb(2, pb(2, "file:///x"))))), "tf-operator PrintV2 file"),
		at("custom", savedModel(tfNode("Evil>Run")), "tf-custom-op Evil>Run"),
		at("constant path", savedModel(tfNode("Const")+tfNode("SaveV2", pb(3, "n:0"))), "tf-constant-path SaveV2"),
		at("asset", savedModel("", pb(6, pb(2, "../../etc/passwd"))), "tf-asset-path ../../etc"),
		at("Lambda", savedModel("", pb(7, pb(1, pb(4, pb(3, lambda))))), "keras-lambda Lambda"),
		{"saved model: keras metadata", "keras_metadata.pb", pb(1, pn(2, 1), pb(3, "root"), pb(5, lambda)), "keras-lambda Lambda"},
		{"saved model: frozen graph", "frozen.pb", tfNode("ReadFile") + pb(4, pn(1, 1)), "tf-operator ReadFile"},
		at("a graph in its place", tfNode("x"), "?something else"),
		at("a graph before it", pb(1, "")+savedModel(tfNode("PyFunc")), "?at once"),
		at("without a version", pb(2, pb(2, tfNode("ReadFile"))), "?no schema version"),
		at("broken", savedModel(tfNode("ReadFile"))+"\x12\x7f", "?longer"),
		at("nothing of TensorFlow", pn(5, 1), "?no protobuf of TensorFlow"),
		at("text", "not a protobuf", "?"),
	}
}
