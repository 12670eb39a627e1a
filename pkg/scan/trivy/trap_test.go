package trivy_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/scan"
	"github.com/org/ai-ship/pkg/scan/trivy"
)

// bigHeader is the header of a file that is larger than any test reads.
func bigHeader(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: "weights.bin", Mode: 0o644, Size: 1 << 40, Format: tar.FormatGNU}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// cutAt is a layer of which only n bytes come.
func cutAt(t *testing.T, n int64, files ...file) *fake {
	t.Helper()
	l := layer(t, files...)
	whole := l.open
	l.open = func() (io.ReadCloser, error) {
		r, err := whole()
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(r, n), r}, nil
	}
	return l
}

func rocky() []file {
	return []file{
		{"etc/os-release", "NAME=\"Rocky Linux\"\nVERSION_ID=\"9.3\"\nID=rocky\n"},
		{"etc/rocky-release", "Rocky Linux release 9.3 (Blue Onyx)\n"},
	}
}

// Everything that trivy logs, at best, and then reports as clean.
func TestWhatCouldNotBeLookedAtIsTold(t *testing.T) {
	garbage := strings.Repeat("garbage", 1000)
	tests := map[string]struct {
		image func(t *testing.T) built
		want  []string
		path  string // of the first
		layer int    // of the first; -1 none
		found int    // vulnerabilities that are found nevertheless
	}{
		"cut layer": {func(t *testing.T) built {
			return image(layer(t, debian()...), cutAt(t, 2048, dist("pillow", "9.0.0"), dist("requests", "2.19.0"), dist("numpy", "1.0")))
		}, []string{"unverified-layer"}, "", 1, 4},
		"layer cut within a file": {func(t *testing.T) built {
			return image(layer(t, debian()...), cutAt(t, 1536, dist("pillow", "9.0.0"), file{site + "a-1.dist-info/METADATA", garbage}))
		}, []string{"unverified-layer", "walk-error"}, "", 1, 2},
		"other content": {func(t *testing.T) built {
			l := layer(t, dist("pillow", "11.0.0"))
			l.open = layer(t, dist("pillow", "9.0.0")).open
			return image(layer(t, debian()...), l)
		}, []string{"unverified-layer"}, "", 1, 3},
		"unreadable": {func(t *testing.T) built {
			l := layer(t, dist("pillow", "9.0.0"))
			l.open = func() (io.ReadCloser, error) { return nil, errors.New("no such blob") }
			return image(layer(t, debian()...), l)
		}, []string{"unverified-layer", "walk-error"}, "", 1, 2},
		"no archive": {func(t *testing.T) built {
			return image(layer(t, debian()...), layerOf(t, []byte(garbage)))
		}, []string{"unverified-layer", "walk-error"}, "", 1, 2},
		"corrupt RPM database": {func(t *testing.T) built {
			return image(layer(t, append(rocky(), file{"var/lib/rpm/rpmdb.sqlite", garbage})...), layer(t, dist("pillow", "9.0.0")))
		}, []string{"analysis-error", "analysis-error", "no-os-packages"}, "", 0, 1},
		"corrupt package list": {func(t *testing.T) built {
			return image(layer(t, debian()[0], debian()[1], file{"var/lib/dpkg/status", garbage}))
		}, []string{"analysis-error", "no-os-packages"}, "var/lib/dpkg/status", 0, 0},
		"unparsable package version": {func(t *testing.T) built {
			return image(layer(t, debian()[0], debian()[1], file{"var/lib/dpkg/status", strings.Replace(dpkg, "3.0.11-1~deb12u2", "not a version", 1)}))
		}, []string{"unparsable-version"}, "", 0, 1},
		"broken METADATA": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, file{site + "a-1.dist-info/METADATA", "\x00\x01garbage"}, dist("pillow", "9.0.0")))
		}, []string{"walk-error"}, site + "a-1.dist-info/METADATA", 1, 3},
		"empty METADATA": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, file{site + "b-1.dist-info/METADATA", ""}, dist("pillow", "9.0.0")))
		}, []string{"walk-error"}, site + "b-1.dist-info/METADATA", 1, 3},
		"broken egg": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, file{site + "c.egg", garbage}))
		}, []string{"analysis-error"}, "", 1, 2},
		"advisory that cannot be compared": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, dist("odd", "1.0")))
		}, []string{"unparsable-version"}, "", -1, 2},
		"unknown distribution": {func(t *testing.T) built {
			return image(layer(t, file{"etc/hostname", "x"}), layer(t, dist("pillow", "9.0.0")))
		}, []string{"unknown-os"}, "", -1, 1},
		"packages of an unknown distribution": {func(t *testing.T) built {
			return image(layer(t, file{"var/lib/dpkg/status", dpkg}), layer(t, dist("pillow", "9.0.0")))
		}, []string{"unknown-os", "unsupported-os"}, "", -1, 1},
		"distribution without advisories in trivy": {func(t *testing.T) built {
			return image(layer(t, file{"etc/os-release", "NAME=Fedora\nVERSION_ID=40\nID=fedora\n"}, file{"etc/fedora-release", "Fedora release 40 (Forty)\n"}))
		}, []string{"unsupported-os"}, "", -1, 0},
		"distribution at its end": {func(t *testing.T) built {
			files := debian()
			files[1].data = "9.13\n"
			return image(layer(t, files...))
		}, []string{"no-advisories-debian", "unsupported-os-version"}, "", -1, 0},
		"ecosystem without advisories": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, file{"app/node_modules/left-pad/package.json", `{"name":"left-pad","version":"1.3.0"}`}))
		}, []string{"no-advisories-npm"}, "", -1, 2},
		"ecosystem that trivy only lists": {func(t *testing.T) built {
			return image(layer(t, debian()...), layer(t, file{"opt/conda/envs/ml/conda-meta/numpy-1.26.0-py311.json", `{"name":"numpy","version":"1.26.0","license":"BSD"}`}))
		}, []string{"no-advisories-conda-pkg"}, "", -1, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			target := test.image(t).target(t)
			o := options(t)
			remember(t, &o)
			for _, run := range []string{"first", "again"} { // a cache must not hide it
				found := scanned(t, o, target)
				if got := incomplete(found); !slices.Equal(got, test.want) {
					t.Fatalf("%s: incomplete %q, want %q: %+v", run, got, test.want, found.Incomplete)
				}
				first := found.Incomplete[slices.IndexFunc(found.Incomplete, func(i scan.Incomplete) bool { return i.ID == test.want[0] })]
				if first.Path != test.path || first.Detail == "" || test.layer < 0 != (first.Layer.Hex == "") {
					t.Errorf("%s: found %+v, want path %q and layer %d", run, first, test.path, test.layer)
				}
				if test.layer >= 0 && first.Layer != target.Layers[test.layer].Digest {
					t.Errorf("%s: layer is %s, want %s", run, first.Layer, target.Layers[test.layer].Digest)
				}
				if len(found.Vulnerabilities) != test.found {
					t.Errorf("%s: found %q, want %d", run, ids(found.Vulnerabilities), test.found)
				}
			}
		})
	}
}

func TestAnImageFromScratchIsComplete(t *testing.T) {
	found := scanned(t, options(t), image(nil, layer(t, dist("pillow", "9.0.0"))).target(t))
	if len(found.Incomplete) > 0 || len(found.Vulnerabilities) != 1 {
		t.Errorf("incomplete %v, found %q, want none and one", found.Incomplete, ids(found.Vulnerabilities))
	}
}

func TestNetworkFailureIsAnError(t *testing.T) {
	l := layer(t, debian()...)
	lost := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	l.open = func() (io.ReadCloser, error) { return nil, lost }
	found, err := trivy.New(options(t)).Scan(t.Context(), image(l).target(t))
	if !errors.Is(err, lost) || found.Ran {
		t.Errorf("error is %v and ran %t, want %v and false", err, found.Ran, lost)
	}
}

func TestWhatIsLeftOutOnPurposeIsTold(t *testing.T) {
	status := dpkg + "Package: cuda-toolkit\nStatus: install ok installed\nMaintainer: cudatools <cudatools@nvidia.com>\nArchitecture: amd64\nVersion: 12.4\n\n"
	found := scanned(t, options(t), image(layer(t, debian()[0], debian()[1], file{"var/lib/dpkg/status", status})).target(t))
	if len(found.Skipped) != 1 || !strings.Contains(found.Skipped[0].Reason, "cuda-toolkit") || len(found.Incomplete) > 0 {
		t.Errorf("skipped %+v, incomplete %+v, want the package of a third party skipped", found.Skipped, found.Incomplete)
	}
}
