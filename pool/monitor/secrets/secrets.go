// Package secrets tells package monitor of package securemem: a host that keeps secrets
// shows how they are protected beside its pools.
package secrets

import (
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// Memory is what a server shows of the secrets of this process, for monitor.Options.
func Memory() *monitor.Memory {
	return &monitor.Memory{Stats: stats, Status: status}
}

func stats() monitor.MemoryStats {
	s := securemem.ReadStats()
	return monitor.MemoryStats{
		Enabled: s.Enabled, SelfCheck: [...]string{"not_run", "passed", "failed"}[s.SelfCheck], Backend: s.Backend.String(),
		Buffers: s.Buffers, Sealed: s.Sealed, Unlocked: s.Unlocked,
		LockedBytes: s.LockedBytes, LimitBytes: s.LockLimitBytes,
		CachedSlots: s.SlotsCached, Canaries: s.Canaries, Refused: s.Refused, CanaryFailures: s.CanaryFailures,
	}
}

// status is the body of /status/memory.
func status() (any, bool) {
	s := securemem.ReadStatus()
	return s, s.Enabled && s.SelfCheck == "passed"
}
