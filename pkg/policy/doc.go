// Package policy makes the documents with which clusters demand what ai-ship
// attests: for Kyverno, for sigstore's policy-controller and for conforma.
//
// It is pure: the same Demand gives the same bytes. A demand that an engine
// cannot express is an error with ErrInexpressible, never a policy that is
// content with less; where an engine is content with less than ai-ship verify,
// the document says so in its head. docs/policies.md has the list, and what was
// run against which engine.
package policy
