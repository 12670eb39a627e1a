package trivy

import (
	"testing"

	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
)

// The names are those of the buckets in trivy's public database.
func TestDistribution(t *testing.T) {
	for os, want := range map[ftypes.OS][2]string{
		{Family: ftypes.Debian, Name: "12.4"}:                 {"debian 12", "debian 12"},
		{Family: ftypes.Ubuntu, Name: "22.04"}:                {"ubuntu 22.04", "ubuntu 22.04"},
		{Family: ftypes.Alpine, Name: "3.19.1"}:               {"alpine 3.19", "alpine 3.19"},
		{Family: ftypes.Alma, Name: "9.3"}:                    {"alma 9", "alma 9"},
		{Family: ftypes.Rocky, Name: "9.3"}:                   {"rocky 9", "rocky 9"},
		{Family: ftypes.Oracle, Name: "9.3"}:                  {"oracle 9", "Oracle Linux 9"},
		{Family: ftypes.RedHat, Name: "9.3"}:                  {"redhat 9", "Red Hat"},
		{Family: ftypes.CentOS, Name: "7.9"}:                  {"centos 7", "Red Hat"},
		{Family: ftypes.Amazon, Name: "2023.3.1 (Amazon)"}:    {"amazon 2023", "amazon linux 2023"},
		{Family: ftypes.Amazon, Name: "2 (Karoo)"}:            {"amazon 2", "amazon linux 2"},
		{Family: ftypes.Azure, Name: "3.0.2"}:                 {"azurelinux 3.0", "Azure Linux 3.0"},
		{Family: ftypes.CBLMariner, Name: "2.0.1"}:            {"cbl-mariner 2.0", "CBL-Mariner 2.0"},
		{Family: ftypes.Photon, Name: "5.0"}:                  {"photon 5.0", "Photon OS 5.0"},
		{Family: ftypes.OpenSUSELeap, Name: "15.5"}:           {"opensuse-leap 15.5", "openSUSE Leap 15.5"},
		{Family: ftypes.OpenSUSETumbleweed, Name: "20240101"}: {"opensuse-tumbleweed 20240101", "openSUSE Tumbleweed"},
		{Family: ftypes.SLES, Name: "15.5"}:                   {"sles 15.5", "SUSE Linux Enterprise 15.5"},
		{Family: ftypes.SLEMicro, Name: "5.3"}:                {"slem 5.3", "SUSE Linux Enterprise Micro 5.3"},
		{Family: ftypes.Wolfi, Name: "20230201"}:              {"wolfi", "wolfi"},
		{Family: ftypes.Chainguard, Name: "20230214"}:         {"chainguard", "chainguard"},
		{Family: ftypes.MinimOS, Name: "1"}:                   {"minimos", "minimos"},
		{Family: ftypes.Echo, Name: "1"}:                      {"echo", "echo"},
		{Family: ftypes.Bottlerocket, Name: "1.2"}:            {"bottlerocket", "bottlerocket"},
		{Family: ftypes.Fedora, Name: "40"}:                   {"fedora 40", ""},
		{Family: "none"}:                                      {"none", ""},
	} {
		name, bucket := distribution(os)
		if name != want[0] || bucket != want[1] {
			t.Errorf("%v is %q in %q, want %q", os, name, bucket, want)
		}
	}
}
