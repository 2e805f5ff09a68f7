package main

// #include "bridge.h"
import "C"

import (
	"crypto"
	"crypto/subtle"
	"encoding/json"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/bitcoin-sprint/libsprint/pool"
	"github.com/bitcoin-sprint/libsprint/pool/monitor"
	"github.com/bitcoin-sprint/libsprint/pool/monitor/secrets"
	"github.com/bitcoin-sprint/libsprint/securemem"
)

// served is a pool with what belongs to it outside of package pool.
type served struct {
	*pool.Pool
	token *securemem.Buffer // owned; nil for none
	key   *securemem.Buffer // the same

	mu     sync.Mutex
	server *monitor.Server // nil when stopped
}

var pools table[atomic.Pointer[served]]

//export sprintgo_pool_new
func sprintgo_pool_new(slot, config C.uint32_t, shelf **C.struct_sprint_shelf) (st C.sprint_status) {
	defer guard(&st)
	s := configs.at(uint32(config)).Load()
	v := &served{}
	o := s.options
	if s.token != nil {
		v.token = s.token.Retain()
		o.Metrics.Token = v.tokenIs
	}
	if s.key != nil {
		v.key = s.key.Retain()
		o.LoadKey = v.loadKey
	}
	p, err := pool.New(s.endpoints, o)
	if err != nil {
		v.dropSecrets()
		return status(err)
	}
	v.Pool = p
	if *shelf = v.shelve(); *shelf == nil {
		v.Close(0)
		v.dropSecrets()
		return status(argError{C.SPRINT_E_NOMEM, "pool: no memory"})
	}
	pools.at(uint32(slot)).Store(v)
	return C.SPRINT_OK
}

// tokenIs compares in constant time, in place.
func (v *served) tokenIs(candidate []byte) (same bool) {
	_ = v.token.Use(func(token []byte) error {
		same = subtle.ConstantTimeCompare(token, candidate) == 1
		return nil
	})
	return same
}

// sameToken compares with the token of another pool, in constant time and in place.
func (v *served) sameToken(other any) bool {
	same, err := securemem.Equal(v.token, other.(*securemem.Buffer))
	return err == nil && same
}

// loadKey has the client's key sign where it is.
func (v *served) loadKey() (crypto.Signer, error) { return v.key.PrivateKey() }

func (v *served) dropSecrets() {
	for _, secret := range []*securemem.Buffer{v.token, v.key} {
		if secret != nil {
			_ = secret.Free()
		}
	}
}

//export sprintgo_pool_warm_up
func sprintgo_pool_warm_up(slot, count C.uint32_t, timeoutMs C.int64_t) (st C.sprint_status) {
	defer guard(&st)
	p := pools.at(uint32(slot)).Load()
	return status(p.WarmUpWithin(int(min(int64(count), math.MaxInt32)), limit(timeoutMs)))
}

// limit is a timeout of the interface as one of package pool, whose conventions are
// the same.
func limit(ms C.int64_t) time.Duration { return duration(int64(max(ms, -1)), time.Millisecond) }

//export sprintgo_pool_acquire
func sprintgo_pool_acquire(slot, conn C.uint32_t, timeoutMs C.int64_t, rung *C.uint32_t, rest *C.struct_sprint_rest, until *C.int64_t, info *C.struct_sprint_lease_info) (st C.sprint_status) {
	defer guard(&st)
	p := pools.at(uint32(slot)).Load()
	b := bells.at(uint32(conn))
	if b.rung == nil { // a slot stays where it is
		b.rung = (*uint32)(rung)
	}
	seat := conns.at(uint32(conn))
	seat.Shares((*pool.Rest)(unsafe.Pointer(rest)))
	c, turn, err := p.AcquireOrQueue(limit(timeoutMs), b, seat)
	switch {
	case err != nil:
		return status(err)
	case turn.Waits():
		b.turn = turn
		*until = C.int64_t(turn.Until())
		return C.SPRINT_WAITS
	}
	take(conn, c, info)
	return C.SPRINT_OK
}

//export sprintgo_pool_take
func sprintgo_pool_take(conn C.uint32_t, info *C.struct_sprint_lease_info) (st C.sprint_status) {
	defer guard(&st)
	b := bells.at(uint32(conn))
	c, err := b.turn.Take()
	switch {
	case err != nil:
		return status(err)
	case b.turn.Waits():
		return C.SPRINT_WAITS
	}
	take(conn, c, info)
	return C.SPRINT_OK
}

// take has a slot stand for a lease and tells C of it.
func take(slot C.uint32_t, c pool.Conn, info *C.struct_sprint_lease_info) {
	conns.at(uint32(slot)).Put(c)
	info.id = C.uint64_t(c.ID())
	info.uses = C.uint64_t(c.Uses())
	info.note = C.uint64_t(c.Note().Load())
	info.fd = C.int32_t(c.FD())
	info.busy_poll_us = C.uint32_t(c.BusyPoll().Microseconds())
	info.drained = flag(c.Drained())
}

func flag(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

//export sprintgo_pool_start_metrics
func sprintgo_pool_start_metrics(slot C.uint32_t, port *C.int32_t) (st C.sprint_status) {
	defer guard(&st)
	v := pools.at(uint32(slot)).Load()
	bound, err := v.startMetrics()
	if err != nil {
		return status(err)
	}
	*port = C.int32_t(bound)
	return C.SPRINT_OK
}

func (v *served) startMetrics() (port int, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.server != nil {
		return v.server.Port(), nil
	}
	if v.Closed() {
		return 0, &pool.Error{Kind: pool.ErrClosed, Text: "the pool is closed"}
	}
	o := v.Options()
	s, err := monitor.Start(v.Pool, monitor.Options{
		Name: o.Name, Namespace: o.Namespace, Host: o.Metrics.Host, Port: o.Metrics.Port,
		Token: o.Metrics.Token, Secret: v.token, SameToken: v.sameToken, Public: o.Metrics.Public,
		CertFile: o.Metrics.CertFile, KeyFile: o.Metrics.KeyFile,
		Memory: secrets.Memory(), Version: C.GoString(C.sprint_version()),
	})
	if err != nil {
		return 0, err
	}
	v.server = s
	return s.Port(), nil
}

func (v *served) stopMetrics() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.server != nil {
		_ = v.server.Close()
		v.server = nil
	}
}

//export sprintgo_pool_stop_metrics
func sprintgo_pool_stop_metrics(slot C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	pools.at(uint32(slot)).Load().stopMetrics()
	return C.SPRINT_OK
}

var breakerState = map[pool.BreakerState]C.uint32_t{
	pool.BreakerClosed:   C.SPRINT_BREAKER_CLOSED,
	pool.BreakerOpen:     C.SPRINT_BREAKER_OPEN,
	pool.BreakerHalfOpen: C.SPRINT_BREAKER_HALF_OPEN,
}

//export sprintgo_pool_stats
func sprintgo_pool_stats(slot C.uint32_t, out *C.sprint_pool_stats) (st C.sprint_status) {
	defer guard(&st)
	p := pools.at(uint32(slot)).Load()
	s, h := p.Totals(), p.Health()
	out.max_connections = C.uint32_t(s.Max)
	out.idle = C.uint32_t(s.Idle)
	out.lent = C.uint32_t(s.Lent)
	out.dialing = C.uint32_t(s.Dialing)
	out.waiting = C.uint32_t(s.Waiting)
	out.breaker_state = breakerState[h.Breaker]
	out.healthy = C.uint32_t(flag(h.Healthy))
	out.acquires = C.uint64_t(s.Acquires)
	out.dials = C.uint64_t(s.Dials)
	out.dial_errors = C.uint64_t(s.DialErrors)
	out.reconnects = C.uint64_t(s.Reconnects)
	out.errors = C.uint64_t(s.Errors)
	out.timeouts = C.uint64_t(s.Timeouts)
	out.discards = C.uint64_t(s.Discards)
	out.bytes_sent = C.uint64_t(s.Sent)
	out.bytes_received = C.uint64_t(s.Received)
	return C.SPRINT_OK
}

//export sprintgo_pool_status_json
func sprintgo_pool_status_json(slot C.uint32_t, buf *C.char, size C.size_t, needed *C.size_t) (st C.sprint_status) {
	defer guard(&st)
	text, err := json.Marshal(pools.at(uint32(slot)).Load().Status())
	if err != nil {
		return status(err)
	}
	*needed = C.size_t(len(text) + 1)
	return fill(buf, size, text)
}

// fill writes text and a NUL into the caller's buffer.
func fill(buf *C.char, size C.size_t, text []byte) C.sprint_status {
	if size == 0 {
		return status(argError{C.SPRINT_E_RANGE, "buf is too small: see needed"})
	}
	dst := hostOut(unsafe.Pointer(buf), size)
	n := copy(dst[:size-1], text)
	dst[n] = 0
	if n < len(text) {
		return status(argError{C.SPRINT_E_RANGE, "buf is too small: see needed"})
	}
	return C.SPRINT_OK
}

//export sprintgo_pool_close
func sprintgo_pool_close(slot C.uint32_t, graceMs C.int64_t, forced *C.uint32_t) (st C.sprint_status) {
	defer guard(&st)
	v := pools.at(uint32(slot)).Load()
	v.stopMetrics()
	*forced = C.uint32_t(v.Close(limit(graceMs)))
	return C.SPRINT_OK
}

//export sprintgo_pool_destroy
func sprintgo_pool_destroy(slot C.uint32_t) {
	defer guardVoid()
	v := pools.at(uint32(slot)).Swap(nil)
	v.Unshelve()
	v.dropSecrets()
}
