//go:build !linux && !windows

package securemem

// readMappings: only Linux and Windows tell.
func readMappings() *MappingStatus { return nil }

// checkMappings: only Linux and Windows tell.
func checkMappings(*slot) error { return nil }
