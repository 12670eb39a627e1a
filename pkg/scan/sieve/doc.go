// Package sieve tells which of many regular expressions may match a text, in
// one pass over it, so that the others need not be tried.
//
// From each expression's syntax it derives literals of which every match holds
// one, whatever their case, and how far a match can reach around them. An
// expression is left out only if one of its sets of literals is nowhere in the
// text, or if it does not match around any of them. What is not left out may
// still not match. Expressions without such literals are never left out.
package sieve
