// Package inventory says what an image is made of, by layer, kind and path:
// what grew against another image, and what could be left out.
//
// It is pure but for Read, which lists a layer's tar stream. All sizes are
// bytes: a layer's Size is its stored (compressed) form, everything about
// files is unpacked.
//
// # The summary
//
// The layers that ai-ship builds carry their largest paths on their
// descriptor, under PathsAnnotation, so that a later run can name what grew
// with nothing but the manifest. The text depends on the layer's name and
// entries alone. The same grammar, without the bounds, keeps listings of base
// layers in the local cache:
//
//	1 files=3 unpacked=9216 name="src in /app"
//	2000 app/lib/a.py
//	100 app/main.py
//	0 app/py.typed
//
// The first word is the grammar's version. A line is a size and a path; a
// mark before the size tells what is no plain file: "+" another name of the
// file stands in the layer, "=" a hard link, "@" a symlink, "-" a whiteout,
// "*" an opaque whiteout. "#" and an ID may follow the size. A path or name
// that a line cannot hold is quoted as in Go.
package inventory
