// Package progress shows people how far transfers are: a few lines that are
// redrawn in place on a terminal, and now and then a line anywhere else.
//
// It is told, never asks: whoever moves bytes calls Update, from as many
// goroutines as it likes. There is no goroutine and no timer in here, so a
// transfer that stands still leaves the last state standing.
package progress
