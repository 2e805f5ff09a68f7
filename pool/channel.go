package pool

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
	"github.com/bitcoin-sprint/libsprint/pool/transport"
)

// channel is one TLS connection for as long as it is open. Conn is the lease of it.
type channel struct {
	pool       *Pool
	endpoint   *endpoint
	id         uint64
	reconnects uint64 // predecessors in its place
	opened     time.Duration
	socket     *transport.Conn
	tls        net.Conn // *tls.Conn; in some tests a stand-in

	// lease is the number of the lease that is out, or else of the next one: the end of a
	// lease counts it up, which every copy of its Conn sees, and the next begins as it is.
	// What follows, down to abandoned, is guarded by the pool's mutex. What a lease writes is
	// in one cache line with it, as in Pool.
	lease     atomic.Uint64
	lentAt    time.Duration // when the last lease began
	rested    time.Duration // when it became idle last
	uses      uint64        // leases that ended; read by who holds the lease, too
	seat      *Seat         // of this lease, nil for none; written at its begin and end
	overdue   time.Duration // when it is lent no more
	due       time.Duration // when the cleanup task begins to replace it
	idle      bool          // in pool.idle
	retired   reason        // why it was taken out; stays while it was not
	condemned reason        // close it at its return
	leaked    bool          // reported as held too long
	slow      bool          // and to be replaced
	vanished  bool          // address is the name's no more
	dueWhy    reason        // by age
	cutOff    bool          // by Pool.Close, under the lease

	judged    time.Duration // when p95 was looked at last
	p95       int64         // recent, in us, as of judged; 0 with too few samples
	looked    time.Duration // when sweep looked at it last
	place     int           // in pool.open
	early     float64       // the part of an age that this one is spared
	misses    int           // answers of the resolver in a row without address
	lostTo    error         // what the peer or the network did to it, if that is why
	heir      *waiter       // waits for a fresh connection for the lease of this one
	dueFor    reason        // what the cleanup task replaces it for
	replacing bool          // a dial for its replacement is under way
	replaced  bool          // its replacement is there
	abandoned bool          // by Conn.Cut

	failed     atomic.Bool           // broken: release closes it
	touched    atomic.Bool           // a Read or Write was made in this lease; else own is 0
	limited    atomic.Bool           // this lease has set a deadline
	drained    atomic.Bool           // tls holds nothing that a Read would return
	stale      atomic.Pointer[Error] // how it died before any answer
	generation uint64                // of keys
	active     atomic.Int64          // instant of the last Read or Write
	own        Passage               // of this lease, if it has no seat

	session session
	address netip.Addr // of the peer; not valid for stand-ins

	errors   atomic.Uint64
	sent     atomic.Uint64
	received atomic.Uint64
	latency  latency

	note atomic.Uint64 // the embedder's, see Conn.Note

	scratch [1]byte // for the probe, by whoever holds the lease
}

func newChannel(p *Pool, e *endpoint, socket *transport.Conn, c net.Conn) *channel {
	ch := &channel{pool: p, endpoint: e, opened: p.now(), socket: socket, tls: c}
	return ch
}

// leaseBits leaves room for more leases of one connection than a thread can end in a day.
const leaseBits = 40

// endLease has every copy of the lease's Conn be dead.
func (ch *channel) endLease() { ch.lease.Add(1) }

// number gives the connection its id. Its leases are numbered from there, so that no two
// of a pool have the same number, whichever connection they are of.
func (ch *channel) number(id uint64) {
	ch.id = id
	ch.lease.Store(id << leaseBits)
}

// begin opens the lease that Pool.lend gave. What the last one left as it should be is
// not stored again: an atomic store costs as much as a lock.
func (ch *channel) begin() Conn {
	if ch.touched.Load() {
		ch.touched.Store(false)
		ch.own.reset()
	}
	return Conn{ch: ch, lease: ch.lease.Load()}
}

// lastActive is the instant of the last activity: a Read or Write, or the lease's begin or
// end. The caller holds the pool's mutex.
func (ch *channel) lastActive() time.Duration {
	return max(time.Duration(ch.active.Load()), ch.since(), ch.rested, ch.opened)
}

var (
	errUnsolicited = errors.New("bytes that nobody asked for")
	errIdleLost    = errors.New("closed by the peer while idle")
)

// probe looks whether a connection that nobody uses is alive, in three steps and
// without waiting: what the tls.Conn still holds, what the socket says, and, only if
// bytes wait there, what they are. Session tickets and KeyUpdates are life; a TLS
// 1.3 server sends the former unasked after every handshake, so bytes on the socket
// alone say nothing.
func (ch *channel) probe() (alive bool, why error) {
	found, why := ch.look()
	ch.endpoint.checks[found].Add(1)
	return why == nil, why
}

// silent is the look at a connection where nothing has happened, as usual.
func (ch *channel) silent() bool { return ch.drained.Load() && ch.socket.Peek() == transport.Silent }

func (ch *channel) look() (checked, error) {
	if !ch.drained.Load() {
		if why := ch.drain(0); why != nil {
			return checkOf(why), why
		}
	}
	switch ch.socket.Peek() {
	case transport.Silent:
		return checkIdle, nil
	case transport.Gone:
		return checkDead, errIdleLost
	}
	if ch.socket.Detached() {
		buf := probeBuffers.Get().(*[probeSize]byte)
		defer probeBuffers.Put(buf)
		ch.socket.Pull(buf[:])
	}
	// On a machine that is slow enough the time is over before the read has begun: what still
	// lies there has not been looked at.
	for wait := time.Millisecond; wait < patientLook; wait *= 2 {
		if why := ch.drain(wait); why != nil {
			return checkOf(why), why
		}
		if !ch.socket.Unread() {
			return checkTicket, nil
		}
	}
	return checkUnsolicited, errUnsolicited
}

// patientLook bounds the last wait of a look: with those before, each twice as long as the one
// before it, a peer that never stops sending holds a look up for 127 ms. No caller's limit makes
// that less. Any other look is over at its first read, which on a slow machine may have to wait.
const patientLook = 100 * time.Millisecond

func checkOf(why error) checked {
	if why == errUnsolicited {
		return checkUnsolicited
	}
	return checkDead
}

// probeSize holds a handful of session tickets; a peer that sent more than that to
// an idle connection sent something else.
const probeSize = 4 << 10

var probeBuffers = sync.Pool{New: func() any { return new([probeSize]byte) }}

// drain reads what the tls.Conn holds; anything but nothing is an error. In the
// poller it also reads from the socket for as long as wait says, if that is not 0.
func (ch *channel) drain(wait time.Duration) error {
	if !ch.socket.Detached() {
		limit := time.Unix(1, 0)
		if wait > 0 {
			limit = time.Now().Add(wait)
		}
		_ = ch.tls.SetReadDeadline(limit)
		defer func() { _ = ch.tls.SetReadDeadline(time.Time{}) }()
	}
	n, err := ch.tls.Read(ch.scratch[:])
	ch.socket.Keep()
	switch {
	case n > 0:
		return errUnsolicited
	case err == transport.ErrWouldBlock || isTimeout(err):
		ch.markDrained()
		return nil
	}
	return errIdleLost
}

func (ch *channel) markDrained() {
	ch.drained.Store(true)
	ch.socket.Drained()
}

// returnable says whether a connection may go back to the pool, or why not.
func (ch *channel) returnable() reason {
	switch {
	case ch.stale.Load() != nil:
		return closedStale
	case ch.failed.Load():
		return closedError
	}
	if ch.limited.Load() {
		ch.limited.Store(false)
		_ = ch.tls.SetDeadline(time.Time{})
	}
	if !ch.drained.Load() {
		if ch.drain(0) != nil {
			return closedDirty
		}
	}
	if !ch.socket.Settle() {
		return closedDirty
	}
	return stays
}

// fail counts a failure of this connection, once, and keeps it from the pool.
func (ch *channel) fail(f failure, err error) {
	if ch.failed.CompareAndSwap(false, true) {
		ch.callHome()
		ch.errors.Add(1)
		ch.endpoint.failures[f].Add(1)
		ch.logLost(slog.LevelWarn, "lent", err, ch.pool.now())
	}
}

// spoil keeps this connection from the pool without counting a failure.
func (ch *channel) spoil() {
	ch.failed.Store(true)
	ch.callHome()
}

// close ends the connection and then calls done. A polite one says close_notify,
// which may wait in the poller, so it gets a goroutine there.
func (ch *channel) close(polite bool, done func()) {
	ch.latency.free()
	switch {
	case !polite || ch.failed.Load():
		_ = ch.socket.Close()
	case ch.socket.Detached():
		_ = ch.tls.Close()
	default:
		spawn.Go("close", func() {
			defer ch.pool.caught("close")
			defer done()
			_ = ch.tls.Close()
		})
		return
	}
	done()
}
