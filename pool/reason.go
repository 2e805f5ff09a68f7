package pool

import "slices"

// reason is why a connection was closed.
type reason uint8

const (
	stays           reason = iota
	closedIdle             // idle for too long, and not needed
	closedLifetime         // max_lifetime
	closedRotated          // key_rotation_interval, or Rotate
	closedStale            // found dead while idle
	closedSlow             // p95 above max_latency
	closedError            // failed, or ended by the peer, under a lease
	closedDirty            // returned with unread or unsent bytes
	closedDiscarded        // by its user
	closedEvicted          // EvictEndpoint or Reset
	closedResized          // above a lowered bound
	closedDNS              // its address is the name's no more
	closedDrain            // the pool closes
)

var reasonNames = [...]string{
	"stays", "idle", "lifetime", "rotated", "stale", "slow", "error", "dirty", "discarded", "evicted", "resized", "dns", "drain",
}

// CloseReasons are the keys of Status.Closed.
func CloseReasons() []string { return slices.Clone(reasonNames[stays+1:]) }

// SpareReasons are the keys of Status.SlowSpared.
func SpareReasons() []string { return slices.Clone(spareNames[:]) }

func (r reason) String() string { return reasonNames[r] }
