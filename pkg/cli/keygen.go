package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

func (p Process) keygen() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make a key pair to sign with",
		Long: `keygen writes a new key pair as cosign does: NAME.key, encrypted with the password
in COSIGN_PASSWORD, and NAME.pub, which verifies. It overwrites nothing. In CI,
keyless signing (sign: {keyless: true}) needs no key at all.

Name the private key in ai-ship.yaml as sign: {key: cosign.key}, keep it out of git,
and give others the public one.`,
		Example: `  COSIGN_PASSWORD=… ai-ship keygen
  ai-ship keygen --out keys/digits`,
		Args: none,
		RunE: func(*cobra.Command, []string) error { return p.makeKey(out) },
	}
	cmd.Flags().StringVar(&out, "out", "cosign", "`name` of the two files, without .key and .pub")
	return cmd
}

func (p Process) makeKey(out string) error {
	password := p.Getenv("COSIGN_PASSWORD")
	private, public, err := sigstore.GenerateKey(sigstore.NewSecret(password))
	if err != nil {
		return signing(fmt.Errorf("making a key: %w", err))
	}
	files := []struct {
		name string
		data string
		mode os.FileMode
	}{{out + ".key", private.Reveal(), 0o600}, {out + ".pub", string(public), 0o644}}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return input(fmt.Errorf("writing the key: %w", err))
	}
	for _, f := range files {
		if err := create(f.name, f.data, f.mode); err != nil {
			return input(fmt.Errorf("writing the key: %w", err))
		}
		fmt.Fprintln(p.Out, f.name)
	}
	if password == "" {
		fmt.Fprintf(p.Err, "%s.key has an empty password: set COSIGN_PASSWORD for one that is worth keeping\n", out)
	}
	return nil
}

// create writes a file that is not there yet.
func create(name, data string, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return hint.Wrap(err, "keep it, or choose another name with --out")
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(data)
	return errors.Join(err, f.Close())
}
