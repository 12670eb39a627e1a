package sigstore

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/org/ai-ship/pkg/sign"
)

// crowd is how many processes attest one digest at once.
const crowd = 16

// TestMain lets the test binary be one of a crowd of signers.
func TestMain(m *testing.M) {
	if job := os.Getenv("SIGN_ONE_OF_A_CROWD"); job != "" {
		if err := signOneOfACrowd(job); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// member is what one process of the crowd does.
type member struct {
	Digest, Folder string
	Number         int
	Format         Format
	At             time.Time // when all begin
}

func predicateOf(number int) string { return fmt.Sprintf("https://example.com/member/%d", number) }

func signOneOfACrowd(text string) error {
	var job member
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	folder, err := os.OpenRoot(job.Folder)
	if err != nil {
		return err
	}
	defer folder.Close()
	digest, err := name.NewDigest(job.Digest)
	if err != nil {
		return err
	}
	ctx, cancel := contextOfTest()
	defer cancel()
	signer, err := NewSigner(ctx, Options{Key: &Key{Ref: "cosign.key", Folder: folder, Password: NewSecret("secret")}, Format: job.Format})
	if err != nil {
		return err
	}
	time.Sleep(time.Until(job.At))
	_, err = signer.Sign(ctx, digest, []sign.Statement{{PredicateType: predicateOf(job.Number), Predicate: []byte(`{"n":1}`)}})
	return err
}

// TestCrowd has 16 processes attest and sign one digest at once. All that they
// wrote must be there, in each kind of store.
func TestCrowd(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 48 processes; run without -short")
	}
	for _, c := range []struct {
		label, kind string
		format      Format
	}{
		{"referrers API", "referrers API", Bundle},
		{"embedded", "embedded", Bundle},
		{"fallback tag", "fallback tag", Bundle},
		{".att and .sig", "fallback tag", Legacy},
	} {
		t.Run(c.label, func(t *testing.T) {
			folder := keyFiles(t, "secret")
			digest := pushImage(t, kinds()[c.kind](t), "acme/app")
			start := time.Now()
			gather(t, digest, folder.Name(), c.format)
			t.Logf("%d processes took %s", crowd, time.Since(start))
			evidence, err := keyVerifier(t, folder).Verify(t.Context(), digest)
			if err != nil {
				t.Fatal(err)
			}
			found := make(map[string]bool)
			for _, a := range evidence.Attestations {
				found[a.PredicateType] = true
			}
			t.Logf("%d of %d attestations and %d of %d signatures survived", len(found), crowd, len(evidence.Signatures), crowd)
			if len(found) != crowd || len(evidence.Signatures) != crowd || len(evidence.Refused) != 0 {
				t.Errorf("not all survived; refused: %+v", evidence.Refused)
			}
		})
	}
}

// gather starts the crowd and waits for it.
func gather(t *testing.T, digest name.Digest, folder string, format Format) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(3 * time.Second) // loading 16 keys takes two cores about two
	var processes []*exec.Cmd
	for number := range crowd {
		job, err := json.Marshal(member{digest.String(), folder, number, format, at})
		if err != nil {
			t.Fatal(err)
		}
		process := exec.CommandContext(t.Context(), self, "-test.run=^$")
		process.Env = append(os.Environ(), "SIGN_ONE_OF_A_CROWD="+string(job))
		process.Stderr = os.Stderr
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		processes = append(processes, process)
	}
	for number, process := range processes {
		if err := process.Wait(); err != nil {
			t.Errorf("process %d: %v", number, err)
		}
	}
}
