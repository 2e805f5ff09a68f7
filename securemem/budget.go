package securemem

import "math"

// limits is what the kernel says about memory that can be locked, measured before it
// is asked for any.
type limits struct {
	lockLimit   uint64 // RLIMIT_MEMLOCK, or what the system has like it; MaxUint64: none
	locked      uint64 // by the whole process, the host's own locks included
	bound       bool   // lockLimit holds: no CAP_IPC_LOCK
	maxMappings int    // vm.max_map_count
	available   uint64 // ordinary memory; locking more would call the OOM killer
}

func unlimited() limits {
	return limits{lockLimit: math.MaxUint64, maxMappings: math.MaxInt, available: math.MaxUint64}
}
