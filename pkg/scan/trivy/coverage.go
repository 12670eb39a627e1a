package trivy

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy-db/pkg/vulnsrc/bucket"
	"github.com/aquasecurity/trivy/pkg/detector/library"
	osver "github.com/aquasecurity/trivy/pkg/detector/ospkg/version"
	ftypes "github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/aquasecurity/trivy/pkg/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	bolt "go.etcd.io/bbolt"

	"github.com/org/ai-ship/pkg/scan"
)

// judge says what the report lacks: a distribution, its packages, and
// advisories for what the image holds.
func (s *session) judge(report types.Report, d *database) error {
	s.note(process.log.take(), v1.Hash{})
	s.judgeOS(report)
	if d == nil {
		s.findings.Incomplete = append(s.findings.Incomplete, incompletef("no-database", "packages were listed, but there is no vulnerability database to look them up in"))
		return nil
	}
	found := s.Database
	if found.UpdatedAt.IsZero() {
		found.UpdatedAt = d.metadata.UpdatedAt
	}
	err := guarded("reading the vulnerability database", func() (err error) {
		found.Coverage, err = d.coverage(report)
		return err
	})
	if err != nil {
		return err
	}
	s.findings.Database = &found
	for _, c := range found.Coverage {
		if c.Advisories == 0 {
			name, _, _ := strings.Cut(c.Ecosystem, " ")
			s.findings.Incomplete = append(s.findings.Incomplete, incompletef("no-advisories-"+name,
				"the database has no advisories for %s, of which the image holds %d packages: not covered", c.Ecosystem, c.Packages))
		}
	}
	return nil
}

func (s *session) judgeOS(report types.Report) {
	var packages int
	for _, r := range report.Results {
		if r.Class == types.ClassOSPkg {
			packages += len(r.Packages)
		}
	}
	os := report.Metadata.OS
	unsupported := func(i scan.Incomplete) bool { return i.ID == "unsupported-os" }
	based := slices.ContainsFunc(s.target.Layers, func(l scan.Layer) bool { return l.Kind == "base" })
	switch {
	case os == nil && !based:
		// An image from scratch has no distribution.
	case os == nil, os.Family == "none":
		s.findings.Incomplete = append(s.findings.Incomplete,
			incompletef("unknown-os", "no distribution was recognised, so its packages were not looked up"))
	case packages == 0 && os.Family.HasOSPackages() && !slices.ContainsFunc(s.findings.Incomplete, unsupported):
		s.findings.Incomplete = append(s.findings.Incomplete,
			incompletef("no-os-packages", "%s %s was recognised, but no list of its packages", os.Family, os.Name))
	}
}

// coverage counts the packages of the image and the advisories of the database
// for each ecosystem that the image has packages of.
func (d *database) coverage(report types.Report) ([]scan.Coverage, error) {
	type ecosystem struct{ name, bucket string }
	packages := make(map[ecosystem]int)
	for _, r := range report.Results {
		switch {
		case len(r.Packages) == 0:
		case r.Class == types.ClassOSPkg && report.Metadata.OS != nil:
			name, bucket := distribution(*report.Metadata.OS)
			packages[ecosystem{name, bucket}] += len(r.Packages)
		case r.Class == types.ClassLangPkg:
			driver, ok := library.NewDriver(r.Type)
			if !ok { // trivy lists the packages and looks nothing up
				packages[ecosystem{name: string(r.Type)}] += len(r.Packages)
				continue
			}
			packages[ecosystem{driver.Type(), driver.Type() + "::"}] += len(r.Packages)
		}
	}
	var covered []scan.Coverage
	err := d.bolt.View(func(tx *bolt.Tx) error {
		for e, n := range packages {
			advisories, err := count(tx, e.bucket)
			if err != nil {
				return fmt.Errorf("counting the advisories for %s: %w", e.name, err)
			}
			covered = append(covered, scan.Coverage{Ecosystem: e.name, Packages: n, Advisories: advisories})
		}
		return nil
	})
	slices.SortFunc(covered, func(a, b scan.Coverage) int { return strings.Compare(a.Ecosystem, b.Ecosystem) })
	return covered, err
}

// count is the number of advisories in a bucket, or in all whose names begin
// with it when it ends with "::". A bucket holds one for each package name.
func count(tx *bolt.Tx, name string) (advisories int, err error) {
	if name == "" {
		return 0, nil
	}
	prefix := []byte(name)
	cursor := tx.Cursor()
	for key, _ := cursor.Seek(prefix); key != nil && bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
		root := tx.Bucket(key)
		if root == nil || !strings.HasSuffix(name, "::") && string(key) != name {
			continue
		}
		err := root.ForEachBucket(func(pkg []byte) error {
			return root.Bucket(pkg).ForEach(func(_, _ []byte) error {
				advisories++
				return nil
			})
		})
		if err != nil {
			return 0, err
		}
	}
	return advisories, nil
}

// distribution names a distribution's release, and trivy-db's bucket for it; ""
// when none is known, which counts as no advisories.
func distribution(os ftypes.OS) (name, in string) {
	major, minor := osver.Major(os.Name), osver.Minor(os.Name)
	var b bucket.Bucket
	version := os.Name
	switch os.Family {
	case ftypes.Debian:
		version, b = major, bucket.NewDebian(major)
	case ftypes.Ubuntu:
		b = bucket.NewUbuntu(os.Name)
	case ftypes.Alpine:
		version, b = minor, bucket.NewAlpine(minor)
	case ftypes.Alma:
		version, b = major, bucket.NewAlma(major)
	case ftypes.Rocky:
		version, b = major, bucket.NewRocky(major)
	case ftypes.Oracle:
		version, b = major, bucket.NewOracle(major)
	case ftypes.RedHat, ftypes.CentOS:
		version, b = major, bucket.NewRedHat("")
	case ftypes.Amazon:
		version, _, _ = strings.Cut(os.Name, " ")
		version = osver.Major(version)
		b = bucket.NewAmazon(version)
	case ftypes.Azure:
		version, b = minor, bucket.NewAzureLinux(minor)
	case ftypes.CBLMariner:
		version, b = minor, bucket.NewMariner(minor)
	case ftypes.Photon:
		b = bucket.NewPhoton(os.Name)
	case ftypes.OpenSUSELeap:
		b = bucket.NewOpenSUSE(os.Name)
	case ftypes.OpenSUSETumbleweed:
		b = bucket.NewOpenSUSETumbleweed()
	case ftypes.SLES:
		b = bucket.NewSUSELinuxEnterprise(os.Name)
	case ftypes.SLEMicro:
		b = bucket.NewSUSELinuxEnterpriseMicro(os.Name)
	case ftypes.Wolfi:
		version, b = "", bucket.NewWolfi("")
	case ftypes.Chainguard:
		version, b = "", bucket.NewChainguard("")
	case ftypes.MinimOS:
		version, b = "", bucket.NewMinimOS("")
	case ftypes.Echo:
		version, b = "", bucket.NewEcho("")
	case ftypes.Bottlerocket:
		version, b = "", bucket.NewBottlerocket()
	}
	name = strings.TrimSpace(strings.ReplaceAll(string(os.Family), " ", "-") + " " + version)
	if b == nil {
		return name, ""
	}
	return name, b.Name()
}
