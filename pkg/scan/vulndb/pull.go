package vulndb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/seal"
)

// Options are what Pull, Open and Publish may be told. The zero value is usable.
type Options struct {
	Kind      Kind              // which database
	Keychain  authn.Keychain    // nil: anonymous
	Transport http.RoundTripper // nil: ggcr's default
	// MaxAge is how old a database may be, counted from when its publisher made
	// it. 0: 48 h, and 14 days of Kind Java.
	MaxAge time.Duration
	// Refresh is the age from which Pull looks for a newer one. The one on disk
	// is still used, with a note, when there is none and MaxAge allows it.
	// 0: half of MaxAge.
	Refresh time.Duration
	// Timeout is for one source, from the first request to the last byte. 0: 15
	// minutes.
	Timeout time.Duration
	// Stall is how long a source may send nothing. 0: 30 seconds.
	Stall time.Duration
	Now   func() time.Time // nil: time.Now
	// Key seals the record of what was installed: one that lacks it, such as one
	// that came with a repository, is not believed, and nor is its database.
	Key seal.Key
}

const (
	defaultTimeout = 15 * time.Minute
	defaultStall   = 30 * time.Second
)

func (o Options) defaults() Options {
	if o.Keychain == nil {
		o.Keychain = authn.NewMultiKeychain()
	}
	if o.Transport == nil {
		o.Transport = remote.DefaultTransport
	}
	if o.MaxAge == 0 {
		o.MaxAge = o.Kind.spec().maxAge
	}
	if o.Refresh == 0 || o.Refresh > o.MaxAge {
		o.Refresh = o.MaxAge / 2
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Stall == 0 {
		o.Stall = defaultStall
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// PullError is that no source gave a database: why each did not, in the order
// of the list.
type PullError struct {
	Kind     Kind
	Failures []Failure
}

// Failure is a source, and why it could not be used.
type Failure struct {
	Source string // a reference, or a folder of the store
	Err    error
}

func (e *PullError) Error() string {
	reasons := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		reasons[i] = fmt.Sprintf("%s: %v", f.Source, f.Err)
	}
	return fmt.Sprintf("pulling the %s: %s", e.Kind, strings.Join(reasons, "; "))
}

// Unwrap gives the reasons.
func (e *PullError) Unwrap() []error {
	errs := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		errs[i] = f.Err
	}
	return errs
}

// Pull returns a database of at most Options.MaxAge from the first of refs that
// has one, whatever the others fail with; refs are tried in order. into is where
// databases are kept between runs.
//
// The one in into is returned without any request when it came from one of refs
// and is younger than Options.Refresh. A database is swapped in whole, and on
// any error into still has the one it had. When no source is left, the error is
// a *PullError; the end of ctx ends Pull with its cause.
func Pull(ctx context.Context, refs []name.Reference, into *os.Root, opts Options) (DB, error) {
	return newPuller(into, opts).pull(ctx, refs)
}

type puller struct {
	installer
	options Options
}

func newPuller(into *os.Root, opts Options) *puller {
	o := opts.defaults()
	return &puller{options: o, installer: installer{
		store: newStore(into, o, false), limits: defaultLimits(), create: createFile,
		now: o.Now(), maxAge: o.MaxAge,
	}}
}

func (p *puller) pull(ctx context.Context, refs []name.Reference) (DB, error) {
	if len(refs) == 0 {
		return DB{}, fmt.Errorf("pulling the %s: no source was named", p.options.Kind)
	}
	onDisk, have, damage := p.installed(ctx, refs)
	if have && p.now.Sub(onDisk.UpdatedAt) < p.options.Refresh {
		return onDisk, nil
	}
	var failures []Failure
	for _, ref := range refs {
		db, err := p.from(ctx, ref, onDisk)
		if err == nil {
			return db, nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return DB{}, fmt.Errorf("pulling the %s from %s: %w", p.options.Kind, ref, cause)
		}
		failures = append(failures, Failure{ref.Name(), err})
	}
	if damage != nil {
		failures = append(failures, Failure{p.store.root.Name(), damage})
	}
	failed := &PullError{p.options.Kind, failures}
	if have {
		onDisk.Note = fmt.Sprintf("the one of %s is used, since no newer one could be had: %v", stamp(onDisk.UpdatedAt), failed)
		return onDisk, nil
	}
	return DB{}, advise(failed)
}

// installed returns the database on disk if it came from one of refs, is not
// too old and is what was installed. damage is why one cannot be used.
func (p *puller) installed(ctx context.Context, refs []name.Reference) (db DB, ok bool, damage error) {
	r, err := p.store.load()
	if errors.Is(err, fs.ErrNotExist) {
		return DB{}, false, nil
	}
	if err != nil {
		return DB{}, false, err
	}
	if !slices.ContainsFunc(refs, func(ref name.Reference) bool { return ref.Name() == r.Ref }) {
		return DB{}, false, nil
	}
	if err := checkAge(r.UpdatedAt, p.now, p.maxAge); err != nil {
		return DB{}, false, err
	}
	if err := p.store.verify(ctx, r); err != nil {
		return DB{}, false, err
	}
	return p.store.db(r), true, nil
}

// advise adds what to do about sources that could not be used.
func advise(err error) error {
	var old *OldError
	if errors.As(err, &old) {
		return hint.Wrap(err, "name a source with a newer database in scan.db, or allow an older one with scan.max-age")
	}
	return hint.Wrap(err, "name a registry that can be reached, a folder or an archive in scan.db")
}
