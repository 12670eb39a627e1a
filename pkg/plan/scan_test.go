package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/pkg/plan"
)

func TestDatabases(t *testing.T) {
	type database struct {
		Refs   []string
		File   string
		MaxAge time.Duration
	}
	const day = 24 * time.Hour
	host := serve(t)
	for text, want := range map[string][2]database{
		"scan: {}": {
			{Refs: []string{"mirror.gcr.io/aquasec/trivy-db:2", "ghcr.io/aquasecurity/trivy-db:2"}, MaxAge: 2 * day},
			{Refs: []string{"mirror.gcr.io/aquasec/trivy-java-db:1", "ghcr.io/aquasecurity/trivy-java-db:1"}, MaxAge: 14 * day},
		},
		"scan: {db: 'embedded/fixtures/trivy-db:2', java-db: 'ghcr.io/acme/java:1'}": {
			{Refs: []string{host + "/fixtures/trivy-db:2"}, MaxAge: 2 * day},
			{Refs: []string{"ghcr.io/acme/java:1"}, MaxAge: 14 * day},
		},
		"scan: {db: db, java-db: javadb.tar.gz, max-age: 1h}": {{File: "db", MaxAge: time.Hour}, {File: "javadb.tar.gz", MaxAge: 14 * day}},
		"scan: {db: db, java-db: java, max-age: 720h}":        {{File: "db", MaxAge: 30 * day}, {File: "java", MaxAge: 30 * day}},
	} {
		s := newPlan(t, ask(t, smallest+"gates: {vulnerabilities: {fail-on: high}}\n"+text+"\n", host)).Scan
		var got [2]database
		for i, d := range []plan.Database{s.Database, s.Java} {
			got[i] = database{File: d.File, MaxAge: d.MaxAge}
			for _, ref := range d.Refs {
				got[i].Refs = append(got[i].Refs, ref.Name())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}
