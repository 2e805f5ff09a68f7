package pool

import (
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

// outcome is how an Acquire ended.
type outcome uint8

const (
	outDirect      outcome = iota // an idle connection, at once; see endpoint.immediate
	outWaited                     // one that was returned
	outDialed                     // one that was opened
	outTimeout                    // the limit passed
	outExhausted                  // nothing idle, and no wait wanted
	outOverload                   // MaxWaiters in line
	outBreakerOpen                // every breaker is open
	outDialFailed                 // a dial failed in a way that another would, too
	outCanceled                   // the caller gave up
	outClosed                     // the pool closed
)

var outcomeNames = [...]string{
	"direct", "waited", "dialed", "timeout", "exhausted", "overload", "breaker_open", "dial_failed", "canceled", "closed",
}

// AcquireOutcomes are the keys of Status.AcquiresBy.
func AcquireOutcomes() []string { return slices.Clone(outcomeNames[:]) }

// ended counts an Acquire and how long it took. A direct one took no time and was counted
// when the connection was lent.
func (p *Pool) ended(out outcome, took time.Duration) {
	p.outcomes[out].Add(1)
	p.waits.record(took)
}

// ends counts every Acquire by its outcome. The caller holds mu.
func (p *Pool) ends() []uint64 {
	counts := loaded(p.outcomes[:])
	for _, e := range p.endpoints {
		counts[outDirect] += e.immediate.leases()
	}
	return counts
}

// failure is what class a counted failure is of; the names are the label kind.
type failure uint8

const (
	failTimeout failure = iota
	failDNS
	failRefused
	failIO
	failTLS
	failCert
	failTruncated
	failStale
)

var failureNames = [...]string{"timeout", "dns", "refused", "io", "tls", "cert", "truncated", "stale"}

// ErrorKinds are the keys of EndpointStatus.ErrorsBy.
func ErrorKinds() []string { return slices.Clone(failureNames[:]) }

// failureOf classifies what ended a dial or a stream with an error of kind k.
func failureOf(k Kind, err error) failure {
	var dns *net.DNSError
	switch k {
	case ErrTimeout:
		return failTimeout
	case ErrTLS:
		return failTLS
	case ErrCert, ErrKey:
		return failCert
	case ErrTruncated:
		return failTruncated
	case ErrStale:
		return failStale
	}
	switch {
	case errors.As(err, &dns):
		return failDNS
	case errors.Is(err, syscall.ECONNREFUSED):
		return failRefused
	}
	return failIO
}

// checked is what a look at an idle connection found.
type checked uint8

const (
	checkIdle        checked = iota // silence
	checkTicket                     // session tickets or a KeyUpdate
	checkUnsolicited                // bytes that nobody asked for
	checkDead                       // an end of the stream, or an error
)

var checkNames = [...]string{"idle", "ticket", "unsolicited", "dead"}

// HealthChecks are the keys of EndpointStatus.Checks.
func HealthChecks() []string { return slices.Clone(checkNames[:]) }

// immediate counts the leases of idle connections, and their looks, before the look: where the
// pool's mutex is held, for an atomic addition costs half as much as the mutex. A look that
// finds anything but silence, which is rare, takes back what it disproves. What was shown
// is not taken back: it is shown until it is true again, as no counter may go down.
type immediate struct {
	lent, dead, loud       uint64
	shownLeases, shownIdle uint64
}

// disprove notes a look that did not find silence, and has been counted as what it found.
func (c *immediate) disprove(alive bool) {
	c.loud++
	if !alive {
		c.dead++
	}
}

func (c *immediate) leases() uint64 {
	c.shownLeases = max(c.shownLeases, c.lent-c.dead)
	return c.shownLeases
}

// idle counts the looks that found silence.
func (c *immediate) idle() uint64 {
	c.shownIdle = max(c.shownIdle, c.lent-c.loud)
	return c.shownIdle
}

// The phases of a dial.
const (
	phaseDNS = iota
	phaseTCP
	phaseTLS
)

var phaseNames = [...]string{"dns", "tcp", "tls"}

// ConnectPhases are the keys of EndpointStatus.Connect.
func ConnectPhases() []string { return slices.Clone(phaseNames[:]) }

// Handshakes counts TLS handshakes that were alike.
type Handshakes struct {
	// Version is "1.2" or "1.3".
	Version string `json:"tls_version"`
	Resumed bool   `json:"resumed"`
	Count   uint64 `json:"count"`
}

// handshakes are counted by whether the version is 1.3 and whether a session was resumed.
type handshakes [2][2]uint64

func (h *handshakes) add(s *session) {
	at := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	h[at(s.version == tls.VersionTLS13)][at(s.resumed)]++
}

// HandshakeSorts are the entries of EndpointStatus.Handshakes, in their order.
func HandshakeSorts() []Handshakes { return new(handshakes).list() }

func (h *handshakes) list() []Handshakes {
	var list []Handshakes
	for v, version := range [...]string{"1.2", "1.3"} {
		for r, n := range h[v] {
			list = append(list, Handshakes{Version: version, Resumed: r == 1, Count: n})
		}
	}
	return list
}

// measured is what is counted at an endpoint, without a lock but for the first two.
type measured struct {
	// Guarded by the pool's mutex, and written by every lease.
	hold      tally // how long leases were held
	immediate immediate

	dials, dialErrors, reconnects, rotations atomic.Uint64

	sent, received atomic.Uint64
	failures       [len(failureNames)]atomic.Uint64
	checks         [len(checkNames)]atomic.Uint64 // but for those in immediate
	latency        distribution                   // request to response
	age            distribution                   // at the end of connections
	connect        [len(phaseNames)]distribution
	shelved        []atomic.Uint64 // what the embedder counts: a row of Shelves.Counts, or nil
}

func (m *measured) init() {
	m.latency.init(latencyLayout)
	m.hold.init(holdLayout)
	m.age.init(ageLayout)
	for i := range m.connect {
		m.connect[i].init(connectLayout)
	}
}
