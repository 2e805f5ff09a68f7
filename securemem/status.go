package securemem

import (
	"runtime"
	"sync"
	"time"
)

// MemoryProtectionStatus is what protects the secrets of this process at one moment.
// Every field is measured when it is read.
type MemoryProtectionStatus struct {
	// Enabled: locked memory can be had.
	Enabled bool `json:"enabled"`
	// SelfCheck is "not_run", "passed" or "failed".
	SelfCheck string `json:"self_check"`
	// SelfCheckAt is when it last ran, nil if it never did.
	SelfCheckAt *time.Time `json:"last_self_check,omitempty"`
	// SelfCheckFailure names the step that failed and why.
	SelfCheckFailure string `json:"self_check_failure,omitempty"`
	// Backend is "secretmem" or "mlock", of the newest allocation; "none" before one.
	Backend  string `json:"backend"`
	Platform string `json:"platform"`

	ActiveBuffers   uint64  `json:"active_buffers"`
	SealedBuffers   uint64  `json:"sealed_buffers"`
	UnlockedBuffers uint64  `json:"unlocked_buffers"`
	LockedBytes     uint64  `json:"locked_bytes"`
	LockLimitBytes  *uint64 `json:"memlock_limit_bytes"` // null: no limit
	SlotsCached     uint64  `json:"slots_cached"`
	Refused         uint64  `json:"refused"`
	// Canaries are in place now, one before each secret that is in a slot.
	Canaries       uint64 `json:"canaries"`
	CanaryFailures uint64 `json:"canary_failures"`

	// Mappings is what the kernel says of the pages; nil where it cannot be asked.
	Mappings *MappingStatus `json:"mappings,omitempty"`
}

// MappingStatus counts slots, free ones included, and how many of them the kernel says
// are protected in each way.
type MappingStatus struct {
	Slots      int `json:"slots"`
	GuardPages int `json:"guard_pages"` // without access, two for each slot
	Locked     int `json:"locked"`
	NoCoreDump int `json:"no_core_dump"`
	// NoFork: a forked child does not have the pages, or has zeros; or there are none.
	NoFork int `json:"no_fork"`
}

// ReadStatus measures. On Linux it reads /proc/self/smaps, which takes a millisecond or
// more.
func ReadStatus() MemoryProtectionStatus {
	s := ReadStats()
	m := MemoryProtectionStatus{
		Enabled: s.Enabled, Backend: s.Backend.String(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		ActiveBuffers: s.Buffers, SealedBuffers: s.Sealed, UnlockedBuffers: s.Unlocked,
		LockedBytes: s.LockedBytes, SlotsCached: s.SlotsCached, Refused: s.Refused,
		Canaries: s.Canaries, CanaryFailures: s.CanaryFailures,
		Mappings: readMappings(),
	}
	if s.LockLimitBytes != 1<<64-1 {
		m.LockLimitBytes = &s.LockLimitBytes
	}
	lastCheck.mu.Lock()
	defer lastCheck.mu.Unlock()
	m.SelfCheck = [...]string{"not_run", "passed", "failed"}[lastCheck.result()]
	if !lastCheck.at.IsZero() {
		at := lastCheck.at.UTC().Truncate(time.Millisecond)
		m.SelfCheckAt = &at
	}
	if lastCheck.err != nil {
		m.SelfCheckFailure = lastCheck.err.Error()
	}
	return m
}

// String names the backend.
func (b Backend) String() string {
	switch b {
	case BackendSecretmem:
		return "secretmem"
	case BackendMlock:
		return "mlock"
	}
	return "none"
}

// live are the slots that were made and not destroyed.
var live struct {
	mu    sync.Mutex
	slots map[*slot]struct{}
}

func (s *slot) enlist() {
	live.mu.Lock()
	defer live.mu.Unlock()
	if live.slots == nil {
		live.slots = make(map[*slot]struct{})
	}
	live.slots[s] = struct{}{}
}

func (s *slot) strike() {
	live.mu.Lock()
	defer live.mu.Unlock()
	delete(live.slots, s)
}
