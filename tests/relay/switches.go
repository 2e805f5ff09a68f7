package relay

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// ending is how a connection ends after a number of bytes.
type ending int

const (
	endNone     ending = iota
	endClose           // close_notify, then FIN
	endTruncate        // FIN without close_notify
	endReset           // RST
)

// switches are the misbehaviour of one moment. A value in use is never changed:
// setting one switch makes a new value.
type switches struct {
	ending         ending
	endAfter       int64 // application bytes sent on a connection
	delay          time.Duration
	refuse         bool
	stallHandshake bool
	blackHole      bool
	drip           time.Duration // before each piece
	closed         bool
	unsolicited    bool
	clientAuth     bool
	leaf           leaf
}

// once is what happens at the moment of its switch and leaves nothing set.
type once struct {
	drop, halfClose, notify, speak bool
}

var unsolicited = []byte("UNSOLICITED\n")

// Set turns one switch:
//
//	close_after=N      close_notify and FIN after N application bytes were sent on a connection
//	truncate_after=N   FIN without close_notify after N bytes
//	reset_after=N      RST after N bytes
//	delay_ms=N         wait before each reply
//	refuse=1           RST to each accepted TCP connection at once
//	stall_handshake=1  accept, read, never answer
//	black_hole=1       swallow what comes and what goes; a connection that lost bytes so stays silent
//	drip_ms=N          send 8 bytes at a time, and wait before each
//	closed=1           listen no more; what is open stays
//	cert=NAME          good, expired, wrongname or untrusted
//	client_auth=1      ask for a certificate of the relay's CA, with cert=good, and refuse who has none
//	unsolicited=1      send bytes that nobody asked for after the handshake
//	drop_idle=1        FIN all open connections, now and once
//	half_close=1       FIN too, but go on reading
//	notify=1           close_notify and no FIN on all open connections, now and once
//	speak=1            send bytes that nobody asked for on all open connections, now and once
//
// 0 turns a switch off. The first three exclude one another: the last one set
// counts. They, delay_ms, black_hole and drip_ms hold for open connections at their next
// reply, the others for new connections.
func (r *Relay) Set(name, value string) error {
	return r.setAll([][2]string{{name, value}})
}

// Reset turns every switch off. It fails if closed was on and the address is taken now.
func (r *Relay) Reset() error {
	r.switches.Store(&switches{})
	return r.listenAsSwitched()
}

// setAll turns several switches together, or none if one is wrong.
func (r *Relay) setAll(pairs [][2]string) error {
	for {
		old := r.switches.Load()
		next, now := *old, once{}
		for _, p := range pairs {
			if err := next.set(p[0], p[1], &now); err != nil {
				return err
			}
		}
		if r.switches.CompareAndSwap(old, &next) {
			r.strike(now)
			return r.listenAsSwitched()
		}
	}
}

func (sw *switches) set(name, value string, now *once) (err error) {
	switch name {
	case "close_after":
		err = sw.endAt(endClose, value)
	case "truncate_after":
		err = sw.endAt(endTruncate, value)
	case "reset_after":
		err = sw.endAt(endReset, value)
	case "delay_ms":
		sw.delay, err = milliseconds(value)
	case "refuse":
		sw.refuse, err = onOff(value)
	case "stall_handshake":
		sw.stallHandshake, err = onOff(value)
	case "black_hole":
		sw.blackHole, err = onOff(value)
	case "drip_ms":
		sw.drip, err = milliseconds(value)
	case "closed":
		sw.closed, err = onOff(value)
	case "client_auth":
		sw.clientAuth, err = onOff(value)
	case "unsolicited":
		sw.unsolicited, err = onOff(value)
	case "drop_idle":
		now.drop, err = onOff(value)
	case "half_close":
		now.halfClose, err = onOff(value)
	case "notify":
		now.notify, err = onOff(value)
	case "speak":
		now.speak, err = onOff(value)
	case "cert":
		sw.leaf, err = leafNamed(value)
	default:
		return fmt.Errorf("relay: no switch %q", name)
	}
	if err != nil {
		return fmt.Errorf("relay: switch %s: %w", name, err)
	}
	return nil
}

func (sw *switches) endAt(how ending, value string) error {
	n, err := number(value)
	if err != nil {
		return err
	}
	if n == 0 {
		how = endNone
	}
	sw.ending, sw.endAfter = how, n
	return nil
}

func number(value string) (int64, error) {
	n, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number from 0 to 2147483647", value)
	}
	return int64(n), nil
}

func milliseconds(value string) (time.Duration, error) {
	n, err := number(value)
	return time.Duration(n) * time.Millisecond, err
}

func onOff(value string) (bool, error) {
	if value != "0" && value != "1" {
		return false, fmt.Errorf("%q is neither 0 nor 1", value)
	}
	return value == "1", nil
}

func leafNamed(value string) (leaf, error) {
	switch value {
	case "good":
		return leafGood, nil
	case "expired":
		return leafExpired, nil
	case "wrongname":
		return leafWrongName, nil
	case "untrusted":
		return leafUntrusted, nil
	}
	return 0, fmt.Errorf("%q is none of good, expired, wrongname, untrusted", value)
}

// strike does to all open connections what is done once.
func (r *Relay) strike(now once) {
	r.mu.Lock()
	sessions := slices.Collect(maps.Keys(r.sessions))
	for conn, isTLS := range r.conns {
		if isTLS && (now.drop || now.halfClose) {
			conn.CloseWrite()
		}
		if isTLS && now.drop {
			// Its reader wakes and closes the socket. Bytes that the peer sent before
			// may turn the end into a RST.
			conn.SetReadDeadline(time.Unix(1, 0))
		}
	}
	r.mu.Unlock()
	for _, s := range sessions {
		if now.speak {
			s.tls.Write(unsolicited)
		}
		if now.notify {
			s.tls.CloseWrite()
		}
	}
}
