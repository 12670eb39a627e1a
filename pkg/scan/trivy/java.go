package trivy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	javadb "github.com/aquasecurity/trivy-java-db/pkg/db"
	javatypes "github.com/aquasecurity/trivy-java-db/pkg/types"
	"github.com/aquasecurity/trivy/pkg/dependency/parser/java/jar"
)

// Java is trivy's Java database: which artifact of Maven an archive is.
type Java struct {
	Dir    string // holds a sound trivy-java.db, which must not be written while it is used
	Digest string // of the database; results by layer are kept for this one only
	Note   string // for the report, mostly ""
}

// index looks archives up. A lookup that failed once makes all of them count
// as failed: trivy drops some errors. The zero value finds nothing.
type index struct {
	mu  sync.Mutex // archives are parsed at once
	db  *javadb.DB
	err error
}

func (x *index) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.err = cmp.Or(x.err, err)
}

// failure is why lookups say nothing, or nil.
func (x *index) failure() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.err
}

// open opens the database and looks into it: the driver itself does nothing
// before it is asked.
func (x *index) open(dir string) {
	db, err := javadb.New(dir)
	if err != nil {
		x.fail(err)
		return
	}
	x.mu.Lock()
	x.db = &db
	x.mu.Unlock()
	_, _ = x.SearchBySHA1(strings.Repeat("0", 40))
}

func (x *index) close() error {
	if x.db == nil || errors.Is(x.err, errPanic) {
		return nil
	}
	return x.db.Close()
}

// ask runs one lookup, one at a time.
func (x *index) ask(do func(*javadb.DB) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.db == nil || x.err != nil {
		return jar.ArtifactNotFoundErr
	}
	err := guarded("looking up a Java archive", func() error { return do(x.db) })
	if err != nil && !errors.Is(err, jar.ArtifactNotFoundErr) {
		x.err = err
	}
	return err
}

// Exists tells whether Maven has the artifact.
func (x *index) Exists(group, artifact string) (found bool, err error) {
	err = x.ask(func(db *javadb.DB) error {
		entry, err := db.SelectIndexByArtifactIDAndGroupID(artifact, group)
		found = entry.ArtifactID != ""
		return err
	})
	return found, err
}

// SearchBySHA1 finds the artifact of an archive.
func (x *index) SearchBySHA1(sum string) (p jar.Properties, err error) {
	err = x.ask(func(db *javadb.DB) error {
		entry, err := db.SelectIndexBySha1(sum)
		if err == nil && entry.ArtifactID == "" {
			return fmt.Errorf("looking up %s: %w", sum, jar.ArtifactNotFoundErr)
		}
		p = jar.Properties{GroupID: entry.GroupID, ArtifactID: entry.ArtifactID, Version: entry.Version}
		return err
	})
	return p, err
}

// SearchByArtifactID finds the group that has most versions of an artifact, as
// trivy does; of equals, the first by name.
func (x *index) SearchByArtifactID(artifact, version string) (group string, err error) {
	err = x.ask(func(db *javadb.DB) error {
		entries, err := db.SelectIndexesByArtifactIDAndFileType(artifact, version, javatypes.JarType)
		if err == nil && len(entries) == 0 {
			return fmt.Errorf("looking up %s %s: %w", artifact, version, jar.ArtifactNotFoundErr)
		}
		versions := make(map[string]int)
		for _, e := range entries {
			versions[e.GroupID]++
		}
		for _, e := range slices.SortedFunc(slices.Values(entries), func(a, b javatypes.Index) int { return strings.Compare(a.GroupID, b.GroupID) }) {
			if versions[e.GroupID] > versions[group] {
				group = e.GroupID
			}
		}
		return err
	})
	return group, err
}
