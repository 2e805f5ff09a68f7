package monitor

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bitcoin-sprint/libsprint/pool"
)

// overview is what the page shows, in one answer, so that its numbers belong together.
// Keys are only ever added.
type overview struct {
	Version string `json:"version"`
	// Pools are all that answer here.
	Pools []poolHealth `json:"pools"`
	// Pool is the one that was asked for, or the only one; null if there are several.
	Pool   *poolOverview `json:"pool"`
	Memory *memoryNow    `json:"memory"` // null if the process says nothing of it
}

type poolHealth struct {
	Name string `json:"name"`
	health
}

type poolOverview struct {
	// Health and Ready are as /healthz and /healthz?ready answer.
	Health health `json:"health"`
	Ready  health `json:"ready"`
	// Status is that of /status/connections with the slowest of the connections alone,
	// which may be some seconds old.
	Status  pool.Status `json:"status"`
	History *columns    `json:"history"`
}

// memoryNow is MemoryStats as the page takes them. The whole is at /status/memory.
type memoryNow struct {
	Enabled     bool    `json:"enabled"`
	SelfCheck   string  `json:"self_check"`
	Backend     string  `json:"backend"`
	Buffers     uint64  `json:"active_buffers"`
	Sealed      uint64  `json:"sealed_buffers"`
	Unlocked    uint64  `json:"unlocked_buffers"`
	LockedBytes uint64  `json:"locked_bytes"`
	LimitBytes  *uint64 `json:"memlock_limit_bytes"` // null: no limit
	Refused     uint64  `json:"refused"`
	Overflows   uint64  `json:"canary_failures"`
}

func (m *Memory) now() *memoryNow {
	if m == nil {
		return nil
	}
	s := m.Stats()
	now := &memoryNow{
		Enabled: s.Enabled, SelfCheck: s.SelfCheck, Backend: s.Backend,
		Buffers: s.Buffers, Sealed: s.Sealed, Unlocked: s.Unlocked, LockedBytes: s.LockedBytes,
		Refused: s.Refused, Overflows: s.CanaryFailures,
	}
	if s.LimitBytes != math.MaxUint64 {
		now.LimitBytes = &s.LimitBytes
	}
	return now
}

// overview of a host shows one pool, or none.
func (h *host) overview(p *handler) overview {
	o := overview{Memory: h.options.Memory.now()}
	for _, each := range h.all() {
		o.Version = each.collector.version
		o.Pools = append(o.Pools, poolHealth{each.name, healthOf(each.source.Health(), false)})
	}
	if p != nil {
		health := p.source.Health()
		o.Pool = &poolOverview{Health: healthOf(health, false), Ready: healthOf(health, true), Status: p.slowest.status()}
	}
	return o
}

// serveOverview answers with the samples after the number that ?after= gives, or all.
func (g *gate) serveOverview(p *handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		o := g.host.overview(p)
		if p != nil {
			// What is no number asks for everything.
			after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
			past := p.history.columns(after)
			o.Pool.History = &past
		}
		serveJSON(w, http.StatusOK, o)
	}
}

// slowestShown is how many connections the page lists.
const slowestShown = 10

// slowest finds the slowest connections. It has to look at all, which takes 20 ms for
// 10,000, and the page asks every second: it is content with an older list then, so that
// looking takes a fiftieth of the time at most.
type slowest struct {
	source Source

	mu   sync.Mutex // held over the look: others who ask at the same time share it
	last pool.Status
	due  time.Time
}

// status is the pool's now, with the slowest connections and what is computed from all.
func (s *slowest) status() pool.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	begin := time.Now()
	if begin.Before(s.due) {
		now := s.source.Totals()
		now.Connections, now.P95Ms, now.MergedP95Us = s.last.Connections, s.last.P95Ms, s.last.MergedP95Us
		return now
	}
	s.last = s.source.Status()
	all := slices.Clone(s.last.Connections)
	slices.SortFunc(all, func(a, b pool.ConnectionStatus) int {
		return cmp.Or(cmp.Compare(b.P95Us, a.P95Us), cmp.Compare(a.ID, b.ID))
	})
	s.last.Connections = slices.Clone(all[:min(len(all), slowestShown)])
	end := time.Now()
	s.due = end.Add(50 * end.Sub(begin))
	return s.last
}
