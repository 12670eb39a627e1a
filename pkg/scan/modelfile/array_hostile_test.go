package modelfile

import (
	"fmt"
	"strings"
)

// npyOf is an array file of a version, with this header and data.
func npyOf(version byte, header, data string) string {
	width := 2
	if version > 1 {
		width = 4
	}
	return npyMagic + string([]byte{version, 0}) + le(uint64(len(header)), width) + header + data
}

func str(s string) string { return "X" + le(uint64(len(s)), 4) + s }

// wrapped is how joblib writes an array: its description as an object, and then,
// between the opcodes, its elements.
type wrapped struct {
	dtype, shape, align, raw string
	flags                    int
}

func (w wrapped) String() string {
	if w.shape == "" {
		w.shape = "K\x02\x85"
	}
	if w.align == "" {
		w.align = "K\x10"
	}
	dtype := "cnumpy\ndtype\n" + str(w.dtype) + "\x89\x88\x87R(K\x03" + str("<") + "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + string([]byte{byte(w.flags)}) + "tb"
	return "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + str("subclass") + "cnumpy\nndarray\n" + str("shape") + w.shape +
		str("order") + str("C") + str("dtype") + dtype + str("allow_mmap") + "\x88" + str("numpy_array_alignment_bytes") + w.align + "ub" + w.raw
}

func joblibOf(values ...string) string { return "\x80\x03](" + strings.Join(values, "") + "e." }

func hostileArrays() []hostile {
	const system = "pickle-global posix.system"
	object := func(shape string) string {
		return "{'descr': '|O', 'fortran_order': False, 'shape': " + shape + ", }"
	}
	float := func(shape string) string {
		return "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }"
	}
	two := "\x02\xff\xff" + strings.Repeat("\x00", 16)
	call := evil2[2 : len(evil2)-1]
	return []hostile{
		{"npy version 1 of objects", "a.npy", npyOf(1, object("(1,)"), evil2), system},
		{"npy version 2 of objects", "a.npy", npyOf(2, object("(1,)"), evil4), system},
		{"npy version 3 of objects", "a.npy", npyOf(3, object("()"), evil0), system},
		{"npy of objects in a record", "a.npy", npyOf(1, "{'descr': [('a', '<i4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }", evil2), system},
		{"npy of harmless objects", "a.npy", npyOf(1, object("(1,)"), benign2), "npy-objects"},
		{"npy with another name", "weights.dat", npyOf(1, object("(1,)"), evil2), system},
		{"npy header that is an expression", "a.npy", npyOf(1, "__import__('os').system('id')", ""), "npy-header __import__"},
		{"npy header with an expression in it", "a.npy", npyOf(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2*3,), }", strings.Repeat("\x00", 48)), "npy-header"},
		{"npy header with an escape", "a.npy", npyOf(1, `{'descr': '\x3cf8', 'fortran_order': False, 'shape': (1,), }`, "aaaaaaaa"), "npy-header"},
		{"npy header nested without end", "a.npy", npyOf(1, strings.Repeat("(", 5000), ""), "npy-header"},
		{"npy header with more behind", "a.npy", npyOf(1, float("(1,)")+"; import os", "aaaaaaaa"), "npy-header"},
		{"npy header of a list that never ends", "a.npy", npyOf(1, "["+strings.Repeat("1,", 5000)+"]", ""), "npy-header"},
		{"npy header cut", "a.npy", npyMagic + "\x01\x00\xff\x00{'descr'", "?header of 255 bytes"},
		{"npy header of 4 GB", "a.npy", npyMagic + "\x02\x00\xff\xff\xff\xff{'descr'", "?header of 4294967295 bytes"},
		{"npy version 9", "a.npy", npyOf(9, float("(1,)"), "aaaaaaaa"), "?no array of version"},
		{"npy of negative shape", "a.npy", npyOf(1, float("(-1,)"), ""), "?shape"},
		{"npy of a shape beyond 2⁶³", "a.npy", npyOf(1, float("(4294967296, 4294967296, 2)"), ""), "?shape"},
		{"npy of more elements than bytes", "a.npy", npyOf(1, float("(1000000000,)"), "aaaaaaaa"), "?1000000000 elements"},
		{"npy of an unknown type", "a.npy", npyOf(1, "{'descr': 'xx', 'fortran_order': False, 'shape': (1,), }", ""), "?the type"},
		{"npy with a key too many", "a.npy", npyOf(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}", "aaaaaaaa"), "?4 keys"},
		{"npy with a key twice", "a.npy", npyOf(1, "{'descr': '<f8', 'shape': (1,), 'shape': (1,)}", "aaaaaaaa"), "?keys"},
		{"npy of a huge record", "a.npy", npyOf(1, "{'descr': [('a', '<f8', (99999999,))], 'fortran_order': False, 'shape': (1,)}", ""), "?record"},
		{"npy of records in records", "a.npy", npyOf(1, "{'descr': [('a', [('b', [('c', [('d', [('e', [('f', 5)])])])])])], 'fortran_order': False, 'shape': ()}", ""), "?type"},
		{"npy of a field without a type", "a.npy", npyOf(1, "{'descr': [('a',)], 'fortran_order': False, 'shape': (1,)}", ""), "?field"},
		{"npy with a pickle behind", "a.npy", npyOf(1, float("(1,)"), "aaaaaaaa"+evil2), system},
		{"npy with data behind", "a.npy", npyOf(1, float("(1,)"), "aaaaaaaaxx"), "trailing-data"},
		{"second array is evil", "a.npy", npyOf(1, float("(1,)"), "aaaaaaaa") + npyOf(1, object("(1,)"), evil2), system},
		{"joblib with a call behind an array", "m.joblib", joblibOf(wrapped{dtype: "f8", raw: two}.String(), call), system},
		{"joblib with a call before an array", "m.joblib", joblibOf(call, wrapped{dtype: "f8", raw: two}.String()), system},
		{"joblib with a call in an array of objects", "m.joblib", joblibOf(wrapped{dtype: "O8", raw: evil2, flags: 63}.String()), system},
		{"joblib of objects by flags only", "m.joblib", joblibOf(wrapped{dtype: "V8", raw: evil2, flags: 1}.String()), system},
		{"joblib array behind padding of 200 bytes", "m.joblib", joblibOf(wrapped{dtype: "f8", raw: "\xc8" + strings.Repeat("\xff", 300)}.String()), "?padding"},
		{"joblib array longer than the file", "m.joblib", joblibOf(wrapped{dtype: "f8", shape: "J\xff\xff\xff\x7f\x85", raw: two}.String()), "?an array of 2147483647 elements"},
		{"joblib array of a shape that is no tuple", "m.joblib", joblibOf(wrapped{dtype: "f8", shape: "K\x02", raw: two}.String()), "?whose shape"},
		{"joblib array of a negative shape", "m.joblib", joblibOf(wrapped{dtype: "f8", shape: "J\xff\xff\xff\xff\x85", raw: two}.String()), "?whose shape"},
		{"joblib array of a shape beyond 2⁶³", "m.joblib", joblibOf(wrapped{dtype: "f8", shape: "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", raw: two}.String()), "?whose shape"},
		{"joblib array of an unknown type", "m.joblib", joblibOf(wrapped{dtype: "zz", raw: two}.String()), "?whose element type"},
		{"joblib array with a computed type", "m.joblib", joblibOf(strings.Replace(wrapped{dtype: "f8", raw: two}.String(), "cnumpy\ndtype\n", "cposix\nsystem\n", 1)), system},
		{
			"joblib's array is a pickle without joblib", "m.joblib",
			joblibOf(wrapped{dtype: "i1", shape: fmt.Sprintf("K%c\x85", len(call)+1), align: "N", raw: call + "."}.String()), system,
		},
		{
			"joblib's array is a pickle, and said to be", "m.joblib",
			joblibOf(wrapped{dtype: "i1", shape: fmt.Sprintf("K%c\x85", len(call)+1), align: "N", raw: call + "."}.String()), "polyglot",
		},
		{"joblib by zlib", "m.joblib", zlibbed(joblibOf(wrapped{dtype: "f8", raw: two}.String(), call)), system},
		{"joblib by gzip", "m.joblib", gzipped(joblibOf(wrapped{dtype: "f8", raw: two}.String(), call)), system},
		{"joblib by lz4", "m.joblib", lz4ed(joblibOf(wrapped{dtype: "f8", raw: two}.String(), call)), system},
	}
}
