package pool

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/bitcoin-sprint/libsprint/internal/spawn"
)

// missesToVanish is in how many answers in a row an address must be missing before its
// connections are replaced: names that fail over flip back and forth for a while.
const missesToVanish = 2

// lookUp is the system's resolver; tests put their own in its place.
func lookUp(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// resolveDue starts to resolve the names that are due, and returns when the next is. The
// caller holds mu.
func (p *Pool) resolveDue(now time.Duration) (next time.Duration) {
	next = never
	if p.opts.DNSRefresh == 0 {
		return next
	}
	for _, e := range p.endpoints {
		if !e.named || e.resolving {
			continue
		}
		if e.resolveAt == 0 {
			e.resolveAt = now + p.opts.DNSRefresh
		}
		if now < e.resolveAt {
			next = min(next, e.resolveAt)
			continue
		}
		e.resolving = true
		p.cleanup.resolvers.Add(1)
		spawn.Go("resolve", func() {
			defer p.cleanup.resolvers.Done()
			defer p.caught("resolve")
			p.resolve(e)
		})
	}
	return next
}

// resolve asks for the addresses of e once.
func (p *Pool) resolve(e *endpoint) {
	host, _, _ := net.SplitHostPort(e.addr)
	ctx, cancel := context.WithTimeout(p.cleanup.resolving, p.opts.ConnectTimeout)
	defer cancel()
	var found []netip.Addr
	err := func() (err error) {
		defer spawn.Recover("resolve", &err)
		found, err = p.lookUp(ctx, host)
		return err
	}()
	p.lock()
	e.resolving = false
	e.resolveAt = p.now() + p.opts.DNSRefresh
	if err == nil && len(found) > 0 { // no answer says nothing about an address
		p.compare(e, found)
	}
	p.unlock()
	p.cleanup.nudge()
}

// compare marks the connections whose address was missing often enough. The caller holds
// mu.
func (p *Pool) compare(e *endpoint, found []netip.Addr) {
	for i := range found {
		found[i] = found[i].Unmap().WithZone("")
	}
	for _, ch := range p.open {
		switch {
		case ch.endpoint != e || !ch.address.IsValid():
		case slices.Contains(found, ch.address):
			ch.misses = 0
		default:
			ch.misses++
			if ch.misses >= missesToVanish {
				ch.vanished = true
				ch.callHome()
			}
		}
	}
}
