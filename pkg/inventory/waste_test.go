package inventory_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/org/ai-ship/pkg/inventory"
	"github.com/org/ai-ship/pkg/layer"
)

const (
	site  = "usr/local/lib/python3.12/site-packages/"
	debPy = "usr/lib/python3/dist-packages/"
	cuda  = "usr/local/cuda-12.4/"
	cudaL = cuda + "targets/x86_64-linux/lib/"
)

// Paths as the images and tools named in classify have them.
func TestWastePlaces(t *testing.T) {
	for _, tc := range []struct {
		kind  layer.Kind
		path  string
		want  inventory.WasteKind
		place string // empty: the path
	}{
		{layer.KindBase, "root/.cache/pip/http-v2/a/b/c", inventory.PipCache, "root/.cache/pip"},
		{layer.KindBase, "home/app/.cache/pip/wheels/x.whl", inventory.PipCache, "home/app/.cache/pip"},
		{layer.KindBase, "root/.cache/uv/archive-v0/X/nvidia/cublas/lib/libcublas.so.12", inventory.UVCache, "root/.cache/uv"},
		{layer.KindBase, "root/.cache/pypoetry/cache/x", inventory.PoetryCache, "root/.cache/pypoetry"},
		{layer.KindBase, "opt/conda/pkgs/pytorch-2.4.0/lib/x.so", inventory.CondaCache, "opt/conda/pkgs"},
		{layer.KindBase, "root/miniconda3/pkgs/x.conda", inventory.CondaCache, "root/miniconda3/pkgs"},
		{layer.KindBase, "var/cache/apt/archives/gcc-12_12.2.0-14_amd64.deb", inventory.AptCache, "var/cache/apt"},
		{layer.KindBase, "var/cache/apt/pkgcache.bin", inventory.AptCache, "var/cache/apt"},
		{layer.KindBase, "var/lib/apt/lists/example.org_dists_bookworm_main_binary-amd64_Packages", inventory.AptCache, "var/lib/apt/lists"},
		{layer.KindBase, "root/.cache/huggingface/hub/models--bert/blobs/ab", inventory.ModelCache, "root/.cache/huggingface"},
		{layer.KindBase, "root/.cache/torch/hub/checkpoints/resnet50-0676ba61.pth", inventory.ModelCache, "root/.cache/torch"},
		{layer.KindBase, "opt/vllm/.git/objects/pack/x.pack", inventory.Git, "opt/vllm/.git"},
		{layer.KindBase, site + "torch/__pycache__/x.cpython-312.pyc", inventory.Bytecode, site + "torch/__pycache__"},
		{layer.KindBase, site + "numpy/core/tests/data/x.npy", inventory.PackageTests, site + "numpy/core/tests"},
		{layer.KindBase, debPy + "scipy/io/test/x", inventory.PackageTests, debPy + "scipy/io/test"},
		{layer.KindBase, "opt/conda/lib/python3.11/test/x.py", inventory.PackageTests, "opt/conda/lib/python3.11/test"},
		{layer.KindApp, "app/tests/data/x.bin", inventory.AppTests, "app/tests"},
		{layer.KindApp, "app/testdata/x.bin", inventory.AppTests, "app/testdata"},
		{layer.KindBase, "usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", inventory.Compiler, "usr/lib/gcc"},
		{layer.KindBase, "usr/libexec/gcc/x86_64-linux-gnu/14/cc1", inventory.Compiler, "usr/libexec/gcc"},
		{layer.KindBase, "usr/local/libexec/gcc/x86_64-linux-gnu/13.2.0/lto1", inventory.Compiler, "usr/local/libexec/gcc"},
		{layer.KindBase, "usr/lib/llvm-14/bin/clang", inventory.Compiler, "usr/lib/llvm-14"},
		{layer.KindBase, "usr/local/rustup/toolchains/1.80-x86_64-unknown-linux-gnu/bin/rustc", inventory.Compiler, "usr/local/rustup/toolchains"},
		{layer.KindBase, "root/.rustup/toolchains/x/lib/librustc_driver-0a.so", inventory.Compiler, "root/.rustup/toolchains"},
		{layer.KindBase, "usr/lib/x86_64-linux-gnu/librustc_driver-9a82d00dc8b6.so", inventory.Compiler, ""},
		{layer.KindBase, "usr/local/cargo/registry/cache/x.crate", inventory.Compiler, "usr/local/cargo/registry"},
		{layer.KindBase, "usr/local/go/pkg/tool/linux_amd64/compile", inventory.Compiler, "usr/local/go"},
		{layer.KindBase, "usr/lib/go-1.19/bin/go", inventory.Compiler, "usr/lib/go-1.19"},
		{layer.KindBase, "root/go/pkg/mod/cache/x.zip", inventory.Compiler, "root/go/pkg/mod"},
		{layer.KindBase, cuda + "bin/nvcc", inventory.CUDAToolkit, ""},
		{layer.KindBase, cuda + "nvvm/bin/cicc", inventory.CUDAToolkit, ""},
		{layer.KindBase, cudaL + "libcublasLt_static.a", inventory.CUDAToolkit, ""},
		{layer.KindBase, cudaL + "libcudadevrt.a", inventory.CUDAToolkit, ""},
		{layer.KindBase, "usr/lib/x86_64-linux-gnu/libcudnn_ops_infer_static_v8.a", inventory.CUDAToolkit, ""},
		{layer.KindBase, "opt/nvidia/nsight-compute/2024.1.1/host/x", inventory.CUDAToolkit, ""},
		// What looks alike and is needed, or not ours to judge.
		{layer.KindBase, cudaL + "libcublas.so.12.4.5.8", "", ""},
		{layer.KindBase, cuda + "compat/libcuda.so.550.54.15", "", ""},
		{layer.KindBase, site + "triton/backends/nvidia/bin/ptxas", "", ""},
		{layer.KindBase, site + "nvidia/cuda_nvcc/bin/ptxas", "", ""},
		{layer.KindBase, site + "torch/testing/_internal/x.py", "", ""},
		{layer.KindBase, "srv/tests/x", "", ""},
		{layer.KindModel, "models/test/x", "", ""},
		{layer.KindBase, "usr/lib/llvm-19/lib/libLLVM.so.19.1", "", ""},
		{layer.KindBase, "usr/lib/x86_64-linux-gnu/libgcc_s.so.1", "", ""},
		{layer.KindBase, "app/.cache", "", ""},
		{layer.KindBase, "app/pip/x", "", ""},
		{layer.KindBase, ".git", "", ""},
		{layer.KindBase, "usr/lib/libssl_static.a", "", ""},
	} {
		wastes := inventory.Wastes(image(listed(tc.kind, "", file(tc.path, 3*mib))))
		if tc.want == "" {
			if len(wastes) != 0 {
				t.Errorf("%s is %s", tc.path, wastes[0].Kind)
			}
			continue
		}
		place := tc.place
		if place == "" {
			place = tc.path
		}
		want := []inventory.Waste{{Kind: tc.want, Bytes: 3 * mib, Count: 1, Paths: []string{place}, Advice: tc.want.Advice()}}
		if diff := cmp.Diff(want, wastes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.path, diff)
		}
		if tc.want.Advice() == "" || strings.HasSuffix(tc.want.Advice(), ".") {
			t.Errorf("%s: advice %q", tc.want, tc.want.Advice())
		}
	}
}

// An image as people make them: nvidia/cuda with torch from pip on top, a
// clean-up in a layer too late, and a model twice.
func TestWastes(t *testing.T) {
	id := func(path string, size int64, id string) inventory.File {
		return inventory.File{Path: path, Size: size, ID: id}
	}
	inv := image(
		listed(layer.KindBase, "",
			file(cudaL+"libcublas.so.12.4.5.8", 100*mib), file("usr/lib/x86_64-linux-gnu/libcudnn.so.9.1.0", 50*mib),
			file("etc/config.bin", 2*mib), file("var/lib/apt/lists/Packages", 20*mib), file("opt/old/data.bin", 9*mib), file("opt/old/cache/x", 1),
			inventory.File{Path: cudaL + "libcublas.so.12", Type: inventory.Symlink}),
		listed(layer.KindBase, "",
			file(site+"nvidia/cublas/lib/libcublas.so.12", 101*mib), file(site+"nvidia/cudnn/lib/libcudnn.so.9", 50*mib),
			file(site+"torch/lib/libcudart-5d6d23a3.so.12.0", 4*mib), file(site+"nvidia/cuda_runtime/lib/libcudart.so.12", 3*mib),
			file("root/.cache/pip/a", 6*mib), file("root/.cache/pip/b", 1), file("root/.cache/uv/linked", 0),
			inventory.File{Path: "root/.cache/uv/x", Size: 8 * mib, Linked: true},
			inventory.File{Path: site + "x", Type: inventory.Hardlink}),
		listed(layer.KindBase, "",
			inventory.File{Path: "var/lib/apt/lists", Type: inventory.Whiteout}, inventory.File{Path: "opt/old", Type: inventory.Opaque}),
		listed(layer.KindModel, "models",
			id("models/hub/blobs/ab", 30*mib, "same"), id("models/hub/snapshots/x/model.safetensors", 30*mib, "same"), id("models/other", 30*mib, "other")),
		listed(layer.KindApp, "src", file("etc/config.bin", 3*mib), file("app/tests/tiny", mib-1)),
	)
	want := []inventory.Waste{
		{Kind: inventory.DuplicateCUDA, Bytes: 150 * mib, Count: 2, Layer: 0, Paths: []string{cudaL + "libcublas.so.12.4.5.8", "usr/lib/x86_64-linux-gnu/libcudnn.so.9.1.0"}},
		{Kind: inventory.Duplicate, Bytes: 30 * mib, Count: 1, Layer: 3, Paths: []string{"models/hub/snapshots/x/model.safetensors"}},
		{Kind: inventory.Deleted, Bytes: 29*mib + 1, Count: 3, Layer: 0, Paths: []string{"var/lib/apt/lists/Packages", "opt/old/data.bin", "opt/old/cache/x"}},
		{Kind: inventory.PipCache, Bytes: 6*mib + 1, Count: 2, Layer: 1, Paths: []string{"root/.cache/pip"}},
		{Kind: inventory.DuplicateCUDA, Bytes: 3 * mib, Count: 1, Layer: 1, Paths: []string{site + "nvidia/cuda_runtime/lib/libcudart.so.12"}},
		{Kind: inventory.Replaced, Bytes: 2 * mib, Count: 1, Layer: 0, Paths: []string{"etc/config.bin"}},
	}
	got := inventory.Wastes(inv)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(inventory.Waste{}, "Advice")); diff != "" {
		t.Errorf("Wastes (-want +got):\n%s", diff)
	}
	if len(inventory.Wastes(inventory.Inventory{})) != 0 {
		t.Error("an empty image wastes")
	}
}

// A file where a directory was hides all of it; a later whiteout and a new
// file are both seen.
func TestWasteHides(t *testing.T) {
	bottom := listed(layer.KindBase, "", file("opt/a/b/c", 4*mib), file("x", 2*mib), file("y", mib))
	for name, tc := range map[string]struct {
		above []inventory.Layer
		want  map[inventory.WasteKind]int64
	}{
		"file":            {[]inventory.Layer{listed(layer.KindBase, "", inventory.File{Path: "opt/a", Type: inventory.Symlink})}, map[inventory.WasteKind]int64{inventory.Deleted: 4 * mib}},
		"root":            {[]inventory.Layer{listed(layer.KindBase, "", inventory.File{Path: ".", Type: inventory.Opaque})}, map[inventory.WasteKind]int64{inventory.Deleted: 7 * mib}},
		"deleted, again":  {[]inventory.Layer{listed(layer.KindBase, "", inventory.File{Path: "x", Type: inventory.Whiteout}), listed(layer.KindApp, "", file("x", 1))}, map[inventory.WasteKind]int64{inventory.Replaced: 2 * mib}},
		"both in one":     {[]inventory.Layer{listed(layer.KindBase, "", file("x", 1), inventory.File{Path: "x", Type: inventory.Whiteout})}, map[inventory.WasteKind]int64{inventory.Replaced: 2 * mib}},
		"a name alike":    {[]inventory.Layer{listed(layer.KindBase, "", file("opt/a/b/cc", 1), file("op", 1))}, map[inventory.WasteKind]int64{}},
		"nothing of here": {[]inventory.Layer{listed(layer.KindBase, "", inventory.File{Path: "opt/a/b/d", Type: inventory.Whiteout})}, map[inventory.WasteKind]int64{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := map[inventory.WasteKind]int64{}
			for _, w := range inventory.Wastes(image(append([]inventory.Layer{bottom}, tc.above...)...)) {
				got[w.Kind] += w.Bytes
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// No file is counted twice, and no order of the files matters.
func TestWastesCountOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		inv := someImage(r)
		var sum, wasted int64
		for i, l := range inv.Layers {
			for j, f := range l.Files {
				l.Files[j].ID = []string{"", "a", "b"}[r.IntN(3)]
				inv.Layers[i].Files[j].Path = []string{"root/.cache/pip/", "app/tests/", "libcublas.so.12.", "x/"}[r.IntN(4)] + f.Path
				if f.Type == inventory.Regular {
					sum += f.Size
				}
			}
		}
		want := inventory.Wastes(inv)
		for _, w := range want {
			wasted += w.Bytes
		}
		if wasted > sum {
			t.Fatalf("%d bytes of %d are waste", wasted, sum)
		}
		for i := range inv.Layers {
			slices.Reverse(inv.Layers[i].Files)
		}
		if diff := cmp.Diff(want, inventory.Wastes(inv)); diff != "" {
			t.Fatalf("another order, another answer:\n%s", diff)
		}
	}
}
