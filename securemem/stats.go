package securemem

import "sync/atomic"

// count is kept by whoever does the thing counted.
var count struct {
	buffers        atomic.Int64 // with an owner
	sealed         atomic.Int64 // of these
	unlocked       atomic.Int64 // slots that Degrade took
	slots          atomic.Int64 // made and not destroyed
	lockedBytes    atomic.Int64
	cachedSlots    atomic.Int64
	cachedBytes    atomic.Int64
	cacheLimit     atomic.Int64 // of cachedBytes, when slots were last made
	refused        atomic.Uint64
	canaryFailures atomic.Uint64
	kernelRefused  atomic.Bool   // the last slot that was asked for
	newest         atomic.Uint32 // Backend of the newest allocation
}

// Stats is what protects the secrets of this process at one moment.
type Stats struct {
	Enabled        bool    // locked memory can be had
	SelfCheck      uint32  // 0: not run, 1: passed, 2: failed
	Backend        Backend // of the newest allocation; BackendAuto before the first
	Buffers        uint64  // alive
	Sealed         uint64  // of these, encrypted at rest
	LockedBytes    uint64  // by this package, free slots included
	LockLimitBytes uint64  // RLIMIT_MEMLOCK, which CAP_IPC_LOCK overrides; MaxUint64: none
	SlotsCached    uint64  // free slots kept for reuse
	Refused        uint64  // allocations refused at a limit
	CanaryFailures uint64  // damage found when a buffer was freed
	Canaries       uint64  // in place: secrets that are in slots
	Unlocked       uint64  // buffers in pages that are not locked, see Degrade
}

// ReadStats measures.
func ReadStats() Stats {
	l := measure()
	_, err := l.fit(classes[0].size)
	cached := uint64(count.cachedSlots.Load())
	residents.mu.Lock()
	canaries := uint64(residents.Len())
	residents.mu.Unlock()
	alive, slotsOutside, _ := countOutside()
	lastCheck.mu.Lock()
	checked := lastCheck.result()
	lastCheck.mu.Unlock()
	return Stats{
		SelfCheck:      checked,
		Canaries:       canaries + alive,
		Enabled:        kernel != nil && (cached > 0 || (err == nil && !count.kernelRefused.Load())),
		Backend:        Backend(count.newest.Load()),
		Buffers:        uint64(count.buffers.Load()) + alive,
		Sealed:         uint64(count.sealed.Load()),
		LockedBytes:    uint64(count.lockedBytes.Load()),
		LockLimitBytes: l.lockLimit,
		SlotsCached:    cached + slotsOutside,
		Refused:        count.refused.Load(),
		CanaryFailures: count.canaryFailures.Load(),
		Unlocked:       uint64(count.unlocked.Load()),
	}
}
