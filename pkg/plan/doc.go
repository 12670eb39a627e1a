// Package plan is the one place where what users write becomes what the stages
// take: strings turn into references, platforms, quantities and patterns, and
// every decision that needs a registry's answer is made.
//
// Making a plan changes nothing anywhere. It is what --dry-run prints, and
// everything after it works from the plan alone.
package plan
