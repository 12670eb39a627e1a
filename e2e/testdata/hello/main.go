// Command hello prints the architecture that it was compiled for.
package main

import (
	"os"
	"runtime"
)

func main() {
	if _, err := os.Stdout.WriteString(runtime.GOARCH + "\n"); err != nil {
		os.Exit(1)
	}
}
