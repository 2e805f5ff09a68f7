package main

// #include "bridge.h"
import "C"

import (
	"encoding/json"

	"github.com/bitcoin-sprint/libsprint/securemem"
)

//export sprintgo_memory_stats
func sprintgo_memory_stats(out *C.sprint_memory_stats) (st C.sprint_status) {
	defer guard(&st)
	s := securemem.ReadStats()
	out.enabled = C.uint32_t(flag(s.Enabled))
	out.self_check = C.uint32_t(s.SelfCheck)
	out.backend = C.uint32_t(s.Backend)
	out.buffers = C.uint64_t(s.Buffers)
	out.sealed = C.uint64_t(s.Sealed)
	out.locked_bytes = C.uint64_t(s.LockedBytes)
	out.lock_limit_bytes = C.uint64_t(s.LockLimitBytes)
	out.slots_cached = C.uint64_t(s.SlotsCached)
	out.refused = C.uint64_t(s.Refused)
	out.canary_failures = C.uint64_t(s.CanaryFailures)
	out.unlocked = C.uint64_t(s.Unlocked)
	return C.SPRINT_OK
}

//export sprintgo_memory_status_json
func sprintgo_memory_status_json(buf *C.char, size C.size_t, needed *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	text, err := json.Marshal(securemem.ReadStatus())
	if err != nil {
		return status(err)
	}
	*needed = C.size_t(len(text) + 1)
	return fill(buf, size, text)
}

//export sprintgo_memory_self_check
func sprintgo_memory_self_check() (st C.sprint_status) {
	defer guard(&st)
	return status(securemem.SelfCheck())
}

//export sprintgo_memory_set
func sprintgo_memory_set(option C.int32_t, value C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	if value < 0 {
		return status(argError{C.SPRINT_E_ARG, "memory: value is negative"})
	}
	switch option {
	case C.SPRINT_MEM_BUDGET_BYTES:
		securemem.SetBudget(int64(value))
	case C.SPRINT_MEM_BACKEND:
		if value > C.SPRINT_BACKEND_MLOCK {
			return status(argError{C.SPRINT_E_ARG, "memory: value is not a SPRINT_BACKEND_*"})
		}
		return status(securemem.SetBackend(securemem.Backend(value)))
	case C.SPRINT_MEM_AT_LIMIT:
		if value > C.SPRINT_LIMIT_DEGRADE {
			return status(argError{C.SPRINT_E_ARG, "memory: value is not a SPRINT_LIMIT_*"})
		}
		return status(securemem.SetAtLimit(securemem.AtLimit(value)))
	default:
		return status(argError{C.SPRINT_E_UNSUPPORTED, "memory: unknown option"})
	}
	return C.SPRINT_OK
}

//export sprintgo_events_to
func sprintgo_events_to(fd C.int32_t) (st C.sprint_status) {
	defer guard(&st)
	eventFD.set(int32(fd))
	if fd < 0 {
		securemem.SetEvents(nil)
	} else {
		securemem.SetEvents(eventLog)
	}
	return C.SPRINT_OK
}
