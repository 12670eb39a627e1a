package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const keySize = 32 // bytes

// Key proves that what it sealed was written by who holds it. The zero Key
// proves nothing but that the bytes are whole.
type Key struct{ secret []byte }

// New derives a key from a secret text.
func New(secret string) Key {
	sum := sha256.Sum256([]byte("ai-ship seal\n" + secret))
	return Key{sum[:]}
}

// Random is a key that nobody else has: what it seals ends with the process.
func Random() Key { return New(rand.Text()) }

// Open reads the key in a file, which it makes first where there is none,
// readable for its owner only.
func Open(name string) (Key, error) {
	secret, err := readKey(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeKey(name); err == nil {
			secret, err = readKey(name)
		}
	}
	if err != nil {
		return Key{}, fmt.Errorf("opening the key of earlier runs: %w", err)
	}
	return New(string(secret)), nil
}

func readKey(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	secret, err := io.ReadAll(io.LimitReader(f, keySize+1))
	if err == nil && len(secret) != keySize {
		err = fmt.Errorf("%s: found %d bytes or more, expected %d", name, len(secret), keySize)
	}
	return secret, err
}

// makeKey leaves one that another process made in the meantime.
func makeKey(name string) (err error) {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	secret := make([]byte, keySize)
	rand.Read(secret) //nolint:errcheck // never fails
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Seal puts in front of data what proves that it stands under this name.
func (k Key) Seal(name string, data []byte) []byte { return append(k.mac(name, data), data...) }

// Unseal is the data that Seal was given for this name, or false.
func (k Key) Unseal(name string, sealed []byte) ([]byte, bool) {
	if len(sealed) < sha256.Size {
		return nil, false
	}
	data := sealed[sha256.Size:]
	return data, hmac.Equal(sealed[:sha256.Size], k.mac(name, data))
}

func (k Key) mac(name string, data []byte) []byte {
	h := hmac.New(sha256.New, k.secret)
	fmt.Fprintf(h, "%q\n", name) // quoted: it cannot reach into the data
	h.Write(data)
	return h.Sum(nil)
}
