package attest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/sign"
)

// ErrVerdict says that an image's verdict is one that a channel does not take:
// it refused, or would under the channel's policy.
var ErrVerdict = errors.New("the gates' verdict does not allow it")

// Demands are the statements of these types or short names. A verdict must
// have passed, and hold what policy asks of its values; nil asks no more than
// that it passed.
func Demands(require []string, policy *gate.Policy) []sign.Demand {
	var all []sign.Demand
	for _, name := range require {
		d := sign.Demand{PredicateType: Type(name)}
		if d.PredicateType == Verdict {
			d.Check = func(a sign.Attestation) error { return accept(a, policy) }
		}
		all = append(all, d)
	}
	return all
}

// accept says what is wrong with a verdict.
func accept(a sign.Attestation, policy *gate.Policy) error {
	p, err := ReadVerdict(a.Statement)
	if err != nil {
		return err
	}
	if !p.Passed {
		return fmt.Errorf("%w: %s", ErrVerdict, strings.Join(gate.Reasons(p.Gates), "; "))
	}
	if policy == nil {
		return nil
	}
	if refused := gate.Review(*policy, p.Gates, gate.ImageSize(p.Size)); len(refused) > 0 {
		return fmt.Errorf("%w: %s", ErrVerdict, strings.Join(gate.Reasons(refused), "; "))
	}
	return nil
}
