//go:build !amd64 && !arm64

package securemem

// clearVectors is for machines whose assembly is known.
func clearVectors() {}
