package modelfile

import (
	"archive/tar"
	"fmt"
	"strings"
)

// hostileBypasses got past this scanner, or its like, once. Where it says
// "executed", the file ran its code with the named loader (Python 3.11, NumPy 2.4).
func hostileBypasses() []hostile {
	const system = "pickle-global posix.system"
	all := []hostile{
		// A name that no identifier has, as sysconfig's own module in Debian's Python. Executed: pickle.load.
		{"a module with a hyphen before the payload", "model.bin", "c_sysconfigdata__x86_64-linux-gnu\nbuild_time_vars\n0" + evil0, system},
		{"a module with a hyphen behind a signature", "model.bin", "\x80\x02c_sysconfigdata__x86_64-linux-gnu\nbuild_time_vars\n0" + evil0, system},
		{"a name of any sort in torch.ops", "model.bin", "ctorch.ops\nany thing at all!\n0" + evil0, system},
		// Numbers that int() takes. Executed: pickle.load.
		{"PUT with a sign", "model.bin", "Np+1\n0" + evil0, system},
		{"PUT with an underscore", "model.bin", "Np1_0\n0" + evil0, system},
		{"INT of 40,000 spaces", "model.bin", "I" + strings.Repeat(" ", 40_000) + "1\n0" + evil0, "?no end of a number"},
		{"FLOAT of 40,000 zeros", "model.bin", "F" + strings.Repeat("0", 40_000) + "1\n0" + evil0, "?no end of a number"},
		// Beyond this scanner's own limits, without a signature or a name. Executed: pickle.load.
		{"MARKs beyond the limit", "model.bin", strings.Repeat("(", 70_000) + strings.Repeat("1", 70_000) + evil0, "?MARKs"},
		{"a STRING of 17 MB", "model.bin", "S'" + strings.Repeat("a", 17<<20) + "'\n0" + evil0, "?no end of a text"},
		// pickle._Unpickler, of which joblib's and dill's are made, takes a frame that is too long. Executed: joblib.load's base.
		{"a frame longer than the file", "model.bin", "\x80\x04\x95" + le(60_000, 8) + evil0, system},
		{"a payload behind the five pickles of PyTorch", "m.pt", legacyMagic + "\x80\x02M\xe9\x03." + benign2 + benign2 + "\x80\x02]." + evil2, system},
		// flags of 0 on a type of objects: the array's bytes are pointers. Executed: a segmentation fault at 0x4141414141414141.
		{"NumPy type of objects that says it is none", "m.pt", torchZip(forgedArray("O8", "N", "\x00")), "pickle-call numpy.dtype"},
		{"NumPy record of objects that says it is none", "m.pt", torchZip(forgedArray("V8", "}"+str("a")+objectDtype+"K\x00\x86s", "\x10")), "pickle-call numpy.dtype"},
		{"NumPy record of objects by the memo", "m.pt", torchZip(forgedArray("V8", "}"+str("a")+objectDtype+"K\x00\x86sq\x070h\x07", "\x10")), "pickle-call numpy.dtype"},
		// numpy.dtype("?,O") is a record. Executed: numpy.load(allow_pickle=True).
		{"npy of a bool, and objects", "a.npy", npyOf(1, fmt.Sprintf("{'descr': '?,O', 'fortran_order': False, 'shape': (%d,)}", len(evil0)), evil0), "?the type"},
		{"npy of a time, and objects", "a.npy", npyOf(1, "{'descr': '<M8[ns],O', 'fortran_order': False, 'shape': (3,)}", evil0[:24]), "?the type"},
		{"joblib of a bool, and objects", "m.joblib", joblibOf(wrapped{dtype: "?,O", raw: evil2}.String()), "?element type"},
		// joblib goes by two bytes.
		{"lzma with a small window", "model.bin", "\x5d\x00\x02\x00\x00\xff\xff\xff\xff\xff\xff\xff\xffabc", "?not unpacked"},
		{"lzma with half a power of two", "model.bin", "\x5d\x00\x00\x0c\x00\xff\xff\xff\xff\xff\xff\xff\xffabc", "?not unpacked"},
		{"PyTorch's flatbuffer", "model.bin", "\x18\x00\x00\x00PTMFabcd", "?not unpacked"},
		{"CVE-2025-1889, an extension that promises nothing", "model.weights", evil0, system},
		{"CVE-2025-10155, an extension of another format", "pytorch_model.bin", evil4, system},
		{"CVE-2025-10155, an extension of safetensors", "model.safetensors", evil4, system},
		{"CVE-2026-24747, items put into a tensor", "m.pt", torchZip("\x80\x02ctorch\nTensor\n)R" + "K\x00K\x01s."), "pickle-call torch.Tensor"},
		{"CVE-2026-24747, a storage that is too short", "m.pt", torchZip("\x80\x02(" + str("storage") + "ctorch\nFloatStorage\n" + str("0") + str("cpu") + "J\xff\xff\xff\x7ftQ."), "pytorch-storage m/data/0"},
		// tarfile takes both for checksums, and torch.load's oldest format is a tar.
		{"tar with a checksum in base 256", "model.bin", tarSummed(256), "?cannot be read on"},
		{"tar with a signed checksum", "model.bin", tarSummed(-1), system},
	}
	all = append(all, hostileZipBypasses()...)
	all = append(all, hostileHDF5Bypasses()...)
	all = append(all, hostileProtoBypasses()...)
	return append(all, hostileTextBypasses()...)
}

func hostileProtoBypasses() []hostile {
	lambda := `{"class_name":"Lambda","config":{"function":["4wEA"]}}`
	evil := savedModel(tfNode("WriteFile"))
	layer := func(name, class, key, function string) hostile {
		return hostile{"keras: " + name, "m.h5", vlenHDF5("model_config", `{"class_name":"`+class+`","config":{"`+key+`":"`+function+`"}}`), "keras-lambda tensorflow." + function}
	}
	op := func(op, want string) hostile {
		return hostile{"saved model: " + op, "saved_model.pb", savedModel(tfNode(op)), "tf-operator " + want}
	}
	return []hostile{
		// Parsers skip fields that a message does not have.
		{"saved model: a graph of ONNX beside", "saved_model.pb", evil + pb(7, ""), "tf-operator WriteFile"},
		{"saved model: a field of its own", "saved_model.pb", evil + pb(99, "x"), "tf-operator WriteFile"},
		{"saved model: two schema versions", "saved_model.pb", pn(1, 1) + evil, "tf-operator WriteFile"},
		{"onnx: a field of its own", "model.bin", onnxModel(pb(5, outsideTensor("location", "/etc/passwd"))) + pb(99, "x"), "onnx-external-path location /etc"},
		{"onnx: ONNX Runtime's mark of an address", "m.onnx", onnxModel(pb(5, outsideTensor("location", "*/_ORT_MEM_ADDR_/*", "offset", "4096"))), "onnx-external-path location *"},
		{"saved model: a Lambda behind space", "saved_model.pb", savedModel("", pb(7, pb(1, pb(4, pb(3, "\n \t"+lambda))))), "keras-lambda Lambda"},
		{"saved model: keras metadata behind space", "keras_metadata.pb", pb(1, pn(2, 1), pb(3, "root"), pb(5, "\n "+lambda)), "keras-lambda Lambda"},
		{"saved model: an attribute's value before its key", "saved_model.pb", savedModel(tfNode("PrintV2", pb(5, pb(2, pb(2, "file:///x")), pb(1, "output_stream")))), "tf-operator PrintV2 file"},
		op("ExperimentalSqlDataset", "ExperimentalSqlDataset"), op("DistributedSave", "DistributedSave"), op("TextLineReader", "TextLineReader"), op("LMDBDataset", "LMDBDataset"),
		layer("TFOpLambda, py_func", "TFOpLambda", "function", "compat.v1.py_func"),
		layer("TFOpLambda, saved_model.load", "TFOpLambda", "function", "saved_model.load"),
		layer("TFOpLambda, get_file", "TFOpLambda", "function", "keras.utils.get_file"),
		layer("TFOpLambda, print", "TFOpLambda", "function", "print"),
		layer("TFOpLambda, raw_ops", "TFOpLambda", "function", "raw_ops.SaveV2"),
		layer("ClassMethod", "ClassMethod", "cls_symbol", "io.TFRecordWriter"),
	}
}

func hostileTextBypasses() []hostile {
	template := func(name, text, want string) hostile {
		return hostile{"template: " + name, "chat_template.jinja", text, "chat-template " + want}
	}
	config := func(name, file, text, want string) hostile {
		return hostile{"config: " + name, file, text, want}
	}
	const put = "[a name"
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	return []hostile{
		// Python reads behind what this scanner stops at.
		config("behind depth, without a known key", "config.json", `{"x":`+deep+`,"auto_map":{"A":"m.M"}}`, "?nests deeper"),
		config("behind a long text, without a known key", "config.json", `{"x":"`+strings.Repeat("x", 9<<20)+`","auto_map":{"A":"m.M"}}`, "?longer than"),
		config("behind space", "config.json", strings.Repeat(" ", 9000)+`{"auto_map":{"A":"m.M"}}`, "remote-code m.M"),
		config("space behind the brace", "config.json", `{`+strings.Repeat("\n", 90_000)+`"auto_map":{"A":"m.M"}}`, "?longer than"),
		config("PEFT's library", "adapter_config.json", `{"peft_type":"LORA","auto_mapping":{"base_model_class":"system","parent_library":"os"}}`, "remote-code os"),
		config("diffusers' pipeline in a file", "model_index.json", `{"_class_name":["pipeline","Run"]}`, "remote-code pipeline.Run"),
		config("attention by a kernel", "config.json", `{"attn_implementation":"acme/kernel"}`, "remote-code acme/kernel"),
		config("modules of sentence-transformers", "modules.json", `[{"idx":0,"path":"","type":"os.system"}]`, "remote-code os.system"),
		template("CVE-2026-5760, in a file of its own", "{{ lipsum }}", "lipsum"),
		{"template: in a folder", "m/additional_chat_templates/tool.jinja", "{{ lipsum }}", "chat-template lipsum"},
		// Jinja's lexer: {%-?\s*endraw. Executed: jinja2 3.1 prints what stands behind.
		template("a raw block that seems to end", "{% raw %}{% endrawX %}{# {% endraw %}{{ lipsum }}{% raw %} #}{% endraw %}", "lipsum"),
		template("a raw block that ends behind space", "{% raw %}{%"+strings.Repeat(" ", 100)+"endraw %}{{ lipsum }}{% raw %}{% endraw %}", "lipsum"),
		template("a raw block that ends behind other space", "{% raw %}{%\v\fendraw %}{{ lipsum }}{% raw %}{% endraw %}", "lipsum"),
		// No text has two underscores. Executed: jinja2 3.1 reaches __class__ so.
		template("underscores that are multiplied", `{% set u = "_" * 2 %}{{ ""[u ~ "class" ~ u] }}`, put),
		template("underscores that are added", `{% set u = "_" %}{% set c = u + u + "class" + u + u %}{{ ""[c] }}`, put),
		template("names that are added", `{% set a = "_" %}{% set b = "_class_" %}{{ ""[a+b+a] }}`, put),
		template("join", `{{ ""[["","","class","",""]|join("_")] }}`, put),
		template("format", `{{ ""["%c%cclass%c%c"|format(95,95,95,95)] }}`, put),
		template("replace", `{{ ""["XXclassXX"|replace("X","_")] }}`, put),
		template("replace by a method", `{% set c = "XXclassXX".replace("X","_") %}{{ ""[c] }}`, put),
		template("a block of text", `{% set c %}__class__{% endset %}{{ ""[c] }}`, put),
		template("a parameter", `{% macro f(k) %}{{ ""[k] }}{% endmacro %}{{ f("_"*2 ~ "class" ~ "_"*2) }}`, put),
		template("a parameter of a call block", `{% macro m() %}{{ caller("_"*2 ~ "class") }}{% endmacro %}{% call(k) m() %}{{ ""[k] }}{% endcall %}`, put),
		template("a loop", `{% for k in ["_"*2 ~ "class" ~ "_"*2] %}{{ ""[k] }}{% endfor %}`, put),
		template("a loop that calls itself", `{% for k in ["a"] recursive %}{{ ""[k] }}{{ loop(["_"*2 ~ "class"]) }}{% endfor %}`, put),
		template("a list that grows", `{% set l = [] %}{% set _ = l.append("_"*2 ~ "class") %}{{ ""[l[0]] }}`, put),
		template("a namespace", `{% set n = namespace() %}{% set n.k = "_"*2 ~ "class" %}{{ ""[n.k] }}`, put),
		template("with", `{% with a = 1, k = "_"*2 ~ "class" %}{{ ""[k] }}{% endwith %}`, put),
		template("backwards", `{{ ""["__ssalc__"[::-1]] }}`, put),
		template("halves", `{% set a = "__cl" %}{% set b = "ass__" %}{{ ""[a ~ b] }}`, put),
		template("an index that is too long", `{{ ""["a"`+strings.Repeat(" if 1 else 2", 200)+`] }}`, put),
		template("map by attribute", `{{ [""]|map(attribute="_"*2 ~ "class" ~ "_"*2)|list }}`, put),
		template("map by a filter's name", `{{ [""]|map("attr", k)|list }}`, "|map(attr)"),
		template("capitals", `{{ ""["__CLASS__"|lower] }}`, "__CLASS__"),
	}
}

// attributeOf is an attribute message of version 1 with a fixed text, as in
// testdata/models/keras/evil-pickle.h5, and as version 3.
func attributeOf(version byte, value string) string {
	kind := "\x13\x01\x00\x00" + le(uint64(len(value)), 4)
	if version == 1 {
		return "\x01\x00" + le(7, 2) + le(8, 2) + le(8, 2) + "object\x00\x00" + kind + "\x01\x00\x00\x00\x00\x00\x00\x00" + value
	}
	return "\x03\x00" + le(7, 2) + le(8, 2) + le(4, 2) + "\x00object\x00" + kind + "\x02\x00\x00\x00" + value
}

// heapOf is a collection of the global heap with one object.
func heapOf(content string) string {
	content += strings.Repeat("\x00", -len(content)&7)
	return "GCOL\x01\x00\x00\x00" + le(uint64(16+16+len(content)), 8) + le(1, 2) + le(1, 2) + le(0, 4) + le(uint64(len(content)), 8) + content
}

// virtualOf is a layout message of a virtual dataset behind its sources.
func virtualOf(version byte, list string) string {
	return heapOf(list) + strings.Repeat("\x00", 8) + string([]byte{version, 3}) + le(96, 8) + le(1, 4)
}

func hostileHDF5Bypasses() []hostile {
	const system = "pickle-global posix.system"
	at := func(name, content, want string) hostile { return hostile{"hdf5: " + name, "m.h5", content, want} }
	const escaped = "V\\u0070osix\nV\\u0073ystem\n\x93(S'id'\ntR."
	decoy := `{"class_name": "Sequential", "config": {"layers": [` + dense + `]}}`
	lambda := `"class_name":"Lambda","config":{"function":["4wEA",null,null],"function_type":"lambda"}}`
	narrow := func(s string) string { // addresses of 4 bytes
		head := hdf5Magic + "\x00\x00\x00\x00\x00\x04\x04\x00" + le(4, 2) + le(16, 2) + le(0, 4) + le(0, 4) + le(0xffffffff, 4)
		return head + le(uint64(96+len(s)), 4) + strings.Repeat("\x00", 96-len(head)-4) + s
	}
	efl := "\x07\x00\x28\x00\x00\x00\x00\x00" + "\x01\x00\x00\x00" + le(1, 2) + le(1, 2) + le(96+64, 4) + le(8, 4) + le(0, 4) + le(64, 4)
	heap := strings.Repeat("\x00", 64-len(efl)) + "HEAP\x00\x00\x00\x00" + le(32, 4) + le(0, 4) + le(96+64+20, 4) + strings.Repeat("\x00", 8) + "/etc/passwd\x00"
	return []hostile{
		// tables/attributeset.py: what ends with a dot is unpickled.
		at("PyTables' pickled attribute", vlenHDF5(attributeOf(1, evil0)), system),
		at("PyTables' pickled attribute of version 3", vlenHDF5(attributeOf(3, evil2)), system),
		at("PyTables' pickled attribute, without GLOBAL", vlenHDF5(attributeOf(3, escaped)), system),
		at("PyTables' pickled attribute, filled up", vlenHDF5(attributeOf(1, evil0+"\x00\x00\x00")), system),
		at("PyTables' pickled attribute of a type elsewhere", vlenHDF5(strings.Replace(attributeOf(3, evil0), "\x03\x00", "\x03\x01", 1)), system),
		at("PyTables' pickled object", vlenHDF5(heapOf(evil4)), system),
		at("PyTables' pickled object, without GLOBAL", vlenHDF5(heapOf(escaped)), system),
		at("virtual dataset", vlenHDF5(virtualOf(4, "\x00"+le(1, 8)+"../other.h5\x00x\x00")), "hdf5-external ../other.h5:x"),
		at("virtual dataset of HDF5 2.0", vlenHDF5(virtualOf(5, "\x01"+le(1, 8)+"../other.h5\x00x\x00")), "hdf5-external a list"),
		at("virtual dataset behind one of the same file", vlenHDF5(virtualOf(4, "\x00"+le(2, 8)+".\x00x\x00")), "hdf5-external .:x (the first of 2)"),
		at("external link with a long name", vlenHDF5(strings.Replace(externalLink(9, "", "/etc/passwd"), "\x04data", le(2000, 2)+strings.Repeat("a", 2000), 1)), "hdf5-external /etc/passwd"),
		at("external link to a long path", vlenHDF5(externalLink(8, "", strings.Repeat("/", 3000)+"etc/passwd")), "hdf5-external /////"),
		at("external link in a heap that is compressed", vlenHDF5("FRHP\x00\x07\x00\x0b\x00"+strings.Repeat("\x00", 100)), "?heap at offset"),
		at("external dataset with addresses of 4 bytes", narrow(efl+heap), "hdf5-external /etc/passwd"),
		at("addresses of 2 bytes", hdf5Magic+"\x00\x00\x00\x00\x00\x02\x02\x00"+strings.Repeat("\x00", 90), "?neither 4 nor 8"),
		at("a description behind 2 MB of space", vlenHDF5("model_config", decoy, "{"+strings.Repeat(" ", 2<<20)+lambda), "keras-lambda"),
		at("a description of 33 MB", vlenHDF5("model_config", decoy, `{"x":"`+strings.Repeat("x", 33<<20)+`",`+lambda), "?not readable as JSON"),
	}
}

func hostileZipBypasses() []hostile {
	const lambda = `{"module":"keras.layers","class_name":"Lambda","config":{"function":{"class_name":"__lambda__"}}}`
	evil, plain := kerasZip(lambda), kerasZip(dense)
	code := func(name, body, want string) hostile {
		return hostile{"TorchScript: " + name, "m.pt", torchZip(benign2, entry{name: "m/code/a.py", data: body}), want}
	}
	ending := strings.LastIndex(evil, endMagic)
	return []hostile{
		// Python's zipfile reads a split archive, and moves all offsets by how far the directory's is off.
		{"JSON before a zip that says it is split", "m.keras", `{"a":1}` + strings.Repeat(" ", 80) + evil[:ending+4] + "\x01" + evil[ending+5:], "polyglot"},
		{"JSON before a zip whose offsets are too large", "m.keras", `{"a":1}` + strings.Repeat(" ", 80) + evil[:ending+16] + le(uint64(len(evil)), 4) + evil[ending+20:], "polyglot"},
		// Executed: Python 3.11's zipfile takes the record before the locator, torch.load's miniz the one it leads to.
		{"CVE-2025-8291, a zip64 locator that leads elsewhere", "m.npz", twoDirectories(torchZip(benign2), torchZip(evil2)), "zip-two-ends zip64"},
		{"CVE-2025-8291, a zip64 record that says another place", "m.npz", otherEnd(torchZip(benign2)), "zip-two-ends zip64"},
		{"a second name in UTF-8", "m.keras", zipped(entry{name: "config.json", data: "{}"}, entry{name: "x.txt", data: lambda, alias: "config.json"}, entry{name: "metadata.json", data: "{}"}), "zip-mismatch name"},
		// keras.models.load_model builds the model before it looks for weights.
		{"Keras without metadata and weights", "m.keras", zipped(entry{name: "config.json", data: lambda}), "keras-lambda"},
		{"Keras without metadata, weights and name", "m", zipped(entry{name: "config.json", data: lambda}), "keras-lambda"},
		{"Keras without metadata, escaped", "m", zipped(entry{name: "config.json", data: strings.ReplaceAll(lambda, "class_name", `cl\u0061ss_name`)}), "keras-lambda"},
		{"Keras with its weights as npz", "m", zipped(entry{name: "config.json", data: lambda}, entry{name: "model.weights.npz", data: "x"}), "keras-lambda"},
		{"Keras in a folder of another archive", "m", zipped(entry{name: "a/m.keras", data: plain}, entry{name: "b", data: evil}), "keras-lambda"},
		code("another name of an operator", `ops.aten.from_file("/etc/passwd")`, "torchscript-call ops.aten.from_file"),
		code("space before the dot", "torch . from_file (\"/etc/passwd\")", "torchscript-call torch . from_file"),
		code("a line that goes on", "torch.\\\n from_file(\"/etc/passwd\")", "torchscript-call torch"),
		code("a comment between", "torch. # x\n from_file(\"/etc/passwd\")", "torchscript-call torch"),
		code("files of torchvision", `ops.image.write_file("/x", t)`, "torchscript-call ops.image.write_file"),
		code("an operator of a library", `ops.acme.run(x)`, "torchscript-call ops.acme.run"),
		{"AOTInductor's library", "m.pt2", zipped(entry{name: "m/data/aotinductor/model/x.so", data: "\x7fELF\x02"}), "pytorch-native m/data/aotinductor"},
	}
}

// twoDirectories is an archive whose zip64 locator leads to the first directory,
// while the record that stands before the locator leads to the second.
func twoDirectories(first, second string) string {
	cut := func(zip string, before int) (string, string) {
		at := strings.LastIndex(zip, endMagic)
		size := littleEndian([]byte(zip[at+12 : at+16]))
		start := littleEndian([]byte(zip[at+16 : at+20]))
		return zip[:at], end64Magic + le(44, 8) + strings.Repeat("\x00", 28) + le(size, 8) + le(start+uint64(before), 8)
	}
	a, aEnd := cut(first, 0)
	b, bEnd := cut(second, len(a)+len(aEnd))
	locator := locatorMagic + le(0, 4) + le(uint64(len(a)), 8) + le(1, 4)
	return a + aEnd + b + bEnd + locator + endMagic + le(0, 4) + strings.Repeat("\xff", 12) + "\x00\x00"
}

// otherEnd is an archive whose old end record says another place than zip64's.
func otherEnd(zip string) string {
	at := strings.LastIndex(zip, endMagic)
	size, start := littleEndian([]byte(zip[at+12:at+16])), littleEndian([]byte(zip[at+16:at+20]))
	return zip[:at] + end64Magic + le(44, 8) + strings.Repeat("\x00", 28) + le(size, 8) + le(start, 8) +
		locatorMagic + le(0, 4) + le(uint64(at), 8) + le(1, 4) + zip[at:at+16] + le(start-1, 4) + zip[at+20:]
}

const objectDtype = "cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R"

// forgedArray is an array of one element of a type, the state of which has these
// fields and flags.
func forgedArray(dtype, fields, flags string) string {
	return "\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85X\x01\x00\x00\x00b\x87R(K\x01K\x01\x85cnumpy\ndtype\n" + str(dtype) +
		"\x89\x88\x87R(K\x03X\x01\x00\x00\x00|NN" + fields + "K\x08K\x01K" + flags + "tb\x89X\x08\x00\x00\x00AAAAAAAAtb."
}

// tarSummed is a tar of an evil pickle whose first checksum is written in a way
// that not all readers take: in base 256, or as of signed bytes (-1).
func tarSummed(how int) string {
	b := []byte(tarred(tar.Header{Name: "pickle\xff", Uname: evil2, Format: tar.FormatGNU}))
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		if how < 0 {
			sum += int(int8(c))
		} else {
			sum += int(c)
		}
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	if how > 0 {
		copy(b[148:], "\x80\x00\x00\x00\x00\x00"+string([]byte{byte(sum >> 8), byte(sum)}))
	}
	return string(b)
}
